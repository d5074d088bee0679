/* SPDX-License-Identifier: Apache-2.0
 *
 * Time from left to right: the bars of spans, with chunks and the first of them; the axis; the
 * overview of the whole trace, and choosing a stretch of it.
 */

const BAR_TOP = 6, BAR_HEIGHT = 12, TICK_GAP = 2; /* pixels */

class Timeline {
	constructor(view) {
		this.view = view;
		this.width = 400;
	}

	x(ns) {
		return (ns - this.view.from) / (this.view.to - this.view.from) * this.width;
	}

	time(x) {
		return this.view.from + x / this.width * (this.view.to - this.view.from);
	}

	/* What of a bar can be seen, in pixels; null: nothing. */
	extent(start, end) {
		const left = Math.max(-4, this.x(start)), right = Math.min(this.width + 4, this.x(end));

		return right < 0 || left > this.width ? null : { left, width: Math.max(2, right - left) };
	}

	bar(row) {
		const { data } = this.view;
		const start = data.start[row], end = start + data.duration[row];
		const seen = this.extent(start, end);
		const made = shape('svg', { class: 'bar kind-' + KINDS[data.kind[row]], height: 24, 'aria-hidden': 'true' });

		for (const mark of this.marks)
			made.append(shape('rect', { class: 'grid', x: this.x(mark), y: 0, width: 1, height: 26 }));
		if (data.flags[row] & LEFT_OUT)
			return made;
		if (!seen) {
			const after = start > this.view.to;
			const at = after ? this.width - 7 : 2;

			made.append(shape('path', { class: 'away', d: after ? `M${at} 8l5 4l-5 4z` : `M${at + 5} 8l-5 4l5 4z` }));
			return made;
		}
		this.drawBar(made, row, seen, start, end);
		return made;
	}

	drawBar(made, row, { left, width }, start, end) {
		const { data } = this.view;
		const box = { x: left, y: BAR_TOP, width, height: BAR_HEIGHT, rx: Math.min(3, width / 2) };
		const first = data.firstChunk[row];
		const waits = first > 0 && first <= end - start;

		if (data.flags[row] & (MISSING | REMOTE)) {
			made.append(shape('rect', { ...box, class: 'missing' }));
			return;
		}
		made.append(shape('rect', { ...box, class: 'span' + (data.flags[row] & UNFINISHED ? ' unfinished' : data.flags[row] & ERROR ? ' error' : '') }));
		if (data.flags[row] & UNFINISHED)
			made.append(shape('rect', { ...box, fill: 'url(#hatch)' }));
		if (waits)
			this.drawWait(made, this.extent(start, start + first));
		if (data.ticks[row])
			this.drawTicks(made, row, start);
		if (waits && this.x(start + first) >= 0 && this.x(start + first) <= this.width)
			made.append(shape('path', { class: 'first-chunk', d: `M${this.x(start + first)} ${BAR_TOP - 3}v${BAR_HEIGHT + 6}` }));
	}

	/* The time before the first chunk is paler. */
	drawWait(made, seen) {
		if (seen)
			made.append(shape('rect', { class: 'wait', x: seen.left, y: BAR_TOP + 1, width: Math.max(0, seen.width - 1), height: BAR_HEIGHT - 2, rx: 2 }));
	}

	/* A stroke for each chunk; where they are too near each other, one stands for several. */
	drawTicks(made, row, start) {
		const ticks = this.view.data.ticks[row], paths = ['', '', ''], last = [-9, -9, -9];

		for (let i = 0; i < ticks.length; i += 2) {
			const x = this.x(start + ticks[i]), kind = ticks[i + 1];

			if (x < 0 || x > this.width || x - last[kind] < TICK_GAP)
				continue;
			last[kind] = x;
			paths[kind] += kind === BAD_TICK ? `M${x - 4} ${BAR_TOP - 5}h8l-4 7z` : `M${x.toFixed(1)} ${BAR_TOP + 2}v${BAR_HEIGHT - 4}`;
		}
		['chunk', 'other', 'bad'].forEach((name, kind) => {
			if (paths[kind])
				made.append(shape('path', { class: 'tick ' + name, d: paths[kind] }));
		});
	}

	/* Round times, as many as there is room for. */
	get marks() {
		const room = Math.max(1, Math.floor(this.width / 85));
		const rough = (this.view.to - this.view.from) / room;
		const power = 10 ** Math.floor(Math.log10(rough));
		const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
		const marks = [];

		for (let at = Math.ceil(this.view.from / step) * step; at <= this.view.to; at += step)
			marks.push(at);
		return marks;
	}

	drawAxis(box) {
		const places = this.marks.filter((mark) => this.x(mark) < this.width - 36).map((mark) => {
			const label = element('span', 'mark', mark === 0 ? '0' : duration(mark));

			label.style.left = this.x(mark) + 'px';
			return label;
		});

		box.replaceChildren(...places);
	}
}

/* A line under the pointer, over all rows, and the time that it stands at. */
class Pointer {
	constructor(timeline, boxes) {
		const line = element('div', 'pointer'), label = element('span', 'pointer-time');

		line.hidden = label.hidden = true;
		boxes.trace.append(line);
		boxes.axis.after(label);
		boxes.trace.addEventListener('pointermove', (event) => {
			const axis = boxes.axis.getBoundingClientRect(), x = event.clientX - axis.left;
			const isOver = x >= 0 && x <= timeline.width && event.clientY >= axis.top;

			line.hidden = label.hidden = !isOver;
			if (!isOver)
				return;
			line.style.left = event.clientX - boxes.trace.getBoundingClientRect().left + 'px';
			line.style.top = boxes.rows.offsetTop + 'px';
			label.textContent = duration(timeline.time(x));
			label.style.left = boxes.axis.offsetLeft + Math.min(x, timeline.width - label.offsetWidth) + 'px';
		});
		boxes.trace.addEventListener('pointerleave', () => {
			line.hidden = label.hidden = true;
		});
	}
}

/* The whole trace in little: a line for each span where it fits, else what most of a line's spans are. */
class Overview {
	constructor(view, box, canvas, lens) {
		this.view = view;
		this.box = box;
		this.canvas = canvas;
		this.lens = lens;
		new ResizeObserver(() => this.draw()).observe(box);
	}

	/* A canvas knows no variables. */
	colours() {
		const style = getComputedStyle(this.canvas);
		const colour = (name) => {
			this.canvas.style.color = 'var(--' + name + ')';
			return style.color;
		};

		return { kinds: KINDS.map((kind) => colour('kind-' + kind)), bad: colour('bar-error'), unfinished: colour('bar-unfinished') };
	}

	draw() {
		const { view, canvas } = this, { trace, data } = view;
		const width = this.box.clientWidth, height = this.box.clientHeight, ratio = devicePixelRatio || 1;

		if (!trace || !width)
			return;
		canvas.width = width * ratio;
		canvas.height = height * ratio;
		const pen = canvas.getContext('2d');
		const rows = trace.end - trace.first, all = Math.max(trace.duration, 1);
		const step = Math.max(1, Math.floor(rows / 20000)), colours = this.colours();
		const thick = Math.min(4, Math.max(1, (height - 6) / rows - 0.5));

		pen.scale(ratio, ratio);
		const one = (row) => {
			const x = data.start[row] / all * width;
			const y = 3 + (row - trace.first) / rows * (height - 6);

			pen.fillStyle = data.flags[row] & UNFINISHED ? colours.unfinished
				: data.flags[row] & ERROR ? colours.bad : colours.kinds[data.kind[row]];
			pen.fillRect(x, y, Math.max(1, data.duration[row] / all * width), thick);
		};
		for (let row = trace.first; row < trace.end; row += step)
			if (!(data.flags[row] & (LEFT_OUT | MISSING)))
				one(row);
		/* Errors are seen in any case. */
		for (let row = trace.first; row < trace.end; row++)
			if (data.flags[row] & BAD)
				one(row);
		this.drawLens();
	}

	drawLens() {
		const all = Math.max(this.view.trace.duration, 1);

		this.lens.hidden = !this.view.isZoomed;
		this.lens.style.left = this.view.from / all * 100 + '%';
		this.lens.style.width = (this.view.to - this.view.from) / all * 100 + '%';
	}
}

/* Dragging over a box chooses a stretch of time. at(x): the time at a place in it. */
function dragToZoom(box, view, at) {
	let from = null;
	const mark = element('div', 'drag');
	const place = (event) => event.clientX - box.getBoundingClientRect().left;
	const draw = (to) => {
		mark.style.left = Math.min(from, to) + 'px';
		mark.style.width = Math.abs(to - from) + 'px';
	};

	box.addEventListener('pointerdown', (event) => {
		if (event.button)
			return;
		from = place(event);
		draw(from);
		box.append(mark);
		box.setPointerCapture(event.pointerId);
	});
	box.addEventListener('pointermove', (event) => {
		if (from !== null)
			draw(place(event));
	});
	box.addEventListener('pointerup', (event) => {
		const to = place(event);

		if (from !== null && Math.abs(to - from) > 4)
			view.zoom(at(Math.min(from, to)), at(Math.max(from, to)));
		mark.remove();
		from = null;
	});
	box.addEventListener('dblclick', () => view.zoom(0, view.trace.duration));
}
