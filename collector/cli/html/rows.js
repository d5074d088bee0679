/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows: the tree on the left, durations, bars on the right; the list of traces beside them.
 */

const ROW_HEIGHT = 24, INDENT = 14, LEVELS_DRAWN = 24;
const TRACE_HEIGHT = 52;
const PRINTED_MAX = 3000;
const WORD_COLOURS = { '\u0001': '', '\u0002': 'bad', '\u0003': 'warn', '\u0004': 'dim' };

class Rows {
	constructor(view, timeline, boxes) {
		this.view = view;
		this.timeline = timeline;
		this.boxes = boxes;
		this.list = new List(boxes.rows, ROW_HEIGHT, (index) => this.row(index));
		view.listen('rows', () => this.list.setCount(view.visibleCount));
		view.listen('time', () => this.refreshTime());
		view.listen('selection', () => this.markSelected());
		new ResizeObserver(() => this.refreshTime()).observe(boxes.axis);
		boxes.rows.addEventListener('click', (event) => this.onClick(event));
		addEventListener('beforeprint', () => this.print());
		addEventListener('afterprint', () => {
			this.list.isWhole = false;
			this.list.refresh();
		});
	}

	refreshTime() {
		if (!this.view.trace)
			return;
		this.timeline.width = Math.max(40, this.boxes.axis.clientWidth - 12);
		this.timeline.drawAxis(this.boxes.axis);
		this.list.refreshSoon();
	}

	/* Rows stay as they are: text of them may be marked, a button held down. */
	markSelected() {
		for (const made of this.list.body.children) {
			const isSelected = Number(made.dataset.row) === this.view.selected;

			made.classList.toggle('selected', isSelected);
			made.setAttribute('aria-selected', isSelected);
		}
	}

	/* --- drawing --- */

	row(index) {
		const { view } = this, { data } = view;
		const row = view.visible[index], flags = data.flags[row];
		const classes = ['row'];

		if (flags & UNFINISHED)
			classes.push('unfinished');
		else if (flags & ERROR)
			classes.push('error');
		if (view.keep ? view.keep[row] === 1 : flags & CONTEXT)
			classes.push('context');
		if (flags & (MISSING | REMOTE))
			classes.push('missing');
		if (row === view.selected)
			classes.push('selected');
		const left = flags & LEFT_OUT ? this.leftOut(row) : this.tree(row);
		const time = element('div', 'time');
		const made = element('div', classes.join(' '), left,
			element('div', 'duration', flags & (LEFT_OUT | MISSING) ? '' : duration(data.duration[row])), time);

		time.append(this.timeline.bar(row));
		made.dataset.row = row;
		made.id = 'row-' + row;
		made.setAttribute('role', 'treeitem');
		made.setAttribute('aria-level', data.depth[row] + 1);
		made.setAttribute('aria-selected', row === view.selected);
		if (view.hasChildren(row))
			made.setAttribute('aria-expanded', !view.collapsed[row]);
		return made;
	}

	/* The lines that show what is below what. */
	indent(row) {
		const { data } = this.view;
		const depth = data.depth[row], drawn = Math.min(depth, LEVELS_DRAWN);
		const made = element('span', 'indent');

		made.style.width = drawn * INDENT + 'px';
		if (depth > drawn)
			made.append(element('span', 'deep', '+' + (depth - drawn)));
		return made;
	}

	tree(row) {
		const { view } = this, { data } = view;
		const flags = data.flags[row], children = view.hasChildren(row);
		const fold = element('span', 'fold', children ? (view.collapsed[row] ? '▸' : '▾') : '');
		const name = said('span', 'name', flags & (MISSING | REMOTE) ? 'span ' + data.id[row]
			: data.name[row] || 'span ' + data.id[row] + ' (cannot be read again)');
		const made = element('div', 'tree', this.indent(row), fold, element('span', 'dot kind-' + KINDS[data.kind[row]]));

		if (flags & BAD) {
			const what = flags & UNFINISHED ? 'unfinished' : 'error';

			made.append(this.badge(what, flags & UNFINISHED ? '◔' : '✕'));
		}
		if (flags & CONCURRENT) {
			const mark = element('span', 'concurrent', '∥');

			mark.title = 'Overlaps in time with a sibling';
			made.append(mark);
		}
		made.append(name);
		if (flags & (MISSING | REMOTE))
			made.append(this.whatIsMissing(row));
		else
			made.append(this.words(data.words[row]));
		if (children && view.collapsed[row])
			made.append(this.folded(row));
		return made;
	}

	/* Of a span that is known from its children only. */
	whatIsMissing(row) {
		const { data } = this.view, group = data.groups[data.group[row]];

		if (data.flags[row] & REMOTE)
			return element('span', 'words dim', 'remote: another program’s');
		return said('span', 'words dim', 'missing: it is in none of the files' + (group && group.label ? ' · ' + group.label : ''));
	}

	badge(what, sign) {
		const made = element('span', 'badge ' + what, sign);

		made.title = what;
		made.setAttribute('role', 'img');
		made.setAttribute('aria-label', what);
		return made;
	}

	/* Their colours are control characters: see html_rows.c. */
	words(text) {
		const made = element('span', 'words');
		let colour = '', first = true;

		for (let part of text.split(/([\u0001-\u0004])/)) {
			if (part in WORD_COLOURS) {
				colour = WORD_COLOURS[part];
				continue;
			}
			if (first)
				part = part.replace(/^ · /, '');
			if (!part)
				continue;
			first = false;
			made.append(said('span', colour, part));
		}
		made.title = safeString(made.textContent);
		return made;
	}

	/* What a collapsed row hides. */
	folded(row) {
		const { data } = this.view;
		let errors = 0;

		for (let below = row + 1; below < data.end[row]; below++)
			errors += (data.flags[below] & BAD) > 0;
		const made = element('span', 'folded', number(data.end[row] - row - 1) + ' below');

		if (errors)
			made.append(', ', element('span', 'bad', plural(errors, 'error')));
		return made;
	}

	leftOut(row) {
		const { data } = this.view;
		const { spans, errors } = data.left.get(row);

		return element('div', 'tree left-out', this.indent(row), element('span', 'fold', '⋯'),
			plural(spans, 'span') + ' left out' + (errors ? ', ' + plural(errors, 'error') : ''));
	}

	print() {
		this.list.isWhole = true;
		this.list.show(0, Math.min(this.view.visibleCount, PRINTED_MAX), 0);
	}

	/* --- acting --- */

	rowOf(event) {
		const found = event.target.closest('.row');

		return found ? Number(found.dataset.row) : -1;
	}

	onClick(event) {
		const row = this.rowOf(event);

		if (row < 0)
			return;
		if (event.target.closest('.fold') && this.view.hasChildren(row))
			this.view.collapse(row, !this.view.collapsed[row]);
		else if (!(this.view.data.flags[row] & LEFT_OUT))
			this.view.select(row);
	}

	/* Chooses a row and brings it into sight. */
	go(row) {
		this.view.open(row);
		this.view.select(row);
		this.list.reveal(this.view.indexOf(row));
		this.bringIntoTime(row);
	}

	bringIntoTime(row) {
		const { view } = this, start = view.data.start[row], end = start + view.data.duration[row];
		const length = view.to - view.from;

		if (end < view.from || start > view.to)
			view.zoom(start - length / 4, start + length * 3 / 4);
	}
}

class Traces {
	constructor(view, box) {
		this.view = view;
		this.box = box;
		this.longest = view.data.traces.reduce((most, trace) => Math.max(most, trace.duration), 1);
		this.list = new List(box, TRACE_HEIGHT, (index) => this.trace(this.shown[index]));
		this.choose();
		view.listen('trace', () => this.reveal());
		view.listen('filter', () => this.choose());
		box.addEventListener('click', (event) => {
			const found = event.target.closest('.trace-item');

			if (found)
				view.showTrace(view.data.traces[Number(found.dataset.trace)]);
		});
	}

	/* Those that have something to show. */
	choose() {
		const { view } = this;

		this.hits = view.keep ? new Uint32Array(view.data.traces.length) : null;
		this.shown = view.data.traces;
		if (view.keep) {
			for (const trace of view.data.traces)
				for (let row = trace.first; row < trace.end; row++)
					this.hits[trace.number] += view.keep[row] === 2;
			this.shown = view.data.traces.filter((trace) => this.hits[trace.number]);
		}
		this.list.setCount(this.shown.length);
	}

	trace(trace) {
		const { view } = this, { data } = view;
		const counts = element('span', 'counts', this.hits ? plural(this.hits[trace.number], 'match', 'matches')
			: plural(trace.spans, 'span'));
		const length = element('span', 'length');
		const made = element('div', 'trace-item' + (trace === view.trace ? ' selected' : ''),
			said('span', 'name', data.name[trace.first] || 'trace ' + trace.id.slice(0, 8)),
			element('span', 'duration', duration(trace.duration)), counts);

		if (trace.errors)
			counts.append(' · ', element('span', 'bad', plural(trace.errors, 'error')));
		if (trace.unfinished)
			counts.append(' · ', element('span', 'warn', number(trace.unfinished) + ' unfinished'));
		counts.append(' · ' + moment(trace.start).slice(11, 19));
		length.style.width = Math.max(1, trace.duration / this.longest * 100) + '%';
		made.append(element('span', 'track', length));
		made.dataset.trace = trace.number;
		made.setAttribute('role', 'option');
		made.setAttribute('aria-selected', trace === view.trace);
		made.title = trace.id;
		return made;
	}

	reveal() {
		this.list.reveal(Math.max(0, this.shown.indexOf(this.view.trace)));
	}

	step(by) {
		const at = this.shown.indexOf(this.view.trace);
		const next = this.shown[Math.min(Math.max(at + by, 0), this.shown.length - 1)];

		if (next)
			this.view.showTrace(next);
	}
}
