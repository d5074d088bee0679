/* SPDX-License-Identifier: Apache-2.0
 *
 * What is being looked at: the trace, which of its rows are in sight, the stretch of time, the span
 * that is chosen. Whoever draws something of it listens.
 */

class View {
	constructor(data) {
		this.data = data;
		this.collapsed = new Uint8Array(data.count);
		this.keep = null; /* by row while a filter is on: 2 matches, 1 is above one that does */
		this.matches = null; /* of the search, by row */
		this.errorsOnly = false;
		this.selected = -1;
		this.trace = null;
		this.visible = new Uint32Array(0);
		this.visibleCount = 0;
		this.listeners = [];
	}

	/* what: 'trace', 'rows', 'time', 'selection' */
	listen(what, action) {
		this.listeners.push([what, action]);
	}

	tell(what) {
		for (const [wanted, action] of this.listeners)
			if (wanted === what)
				action();
	}

	hasChildren(row) {
		return this.data.end[row] > row + 1;
	}

	/* --- traces --- */

	showTrace(trace) {
		if (this.trace === trace)
			return;
		this.trace = trace;
		if (this.selected >= 0 && this.data.traceOf(this.selected) !== trace)
			this.selected = -1;
		this.from = 0;
		this.to = Math.max(trace.duration, 1);
		this.tell('trace');
		this.arrange();
		this.tell('time');
		this.tell('selection');
	}

	/* --- time --- */

	zoom(from, to) {
		/* Nearer, numbers have too few digits for a trace as long as only a damaged one is. */
		const all = Math.max(this.trace.duration, 1), least = Math.min(all, Math.max(20, all / 2 ** 40));
		const length = Math.min(all, Math.max(least, to - from));

		from += (to - from - length) / 2;
		this.from = Math.min(Math.max(0, from), all - length);
		this.to = this.from + length;
		this.tell('time');
	}

	/* factor below 1: nearer. at: the time that stays where it is. */
	zoomBy(factor, at = (this.from + this.to) / 2) {
		this.zoom(at - (at - this.from) * factor, at + (this.to - at) * factor);
	}

	pan(share) {
		const by = (this.to - this.from) * share;

		this.zoom(this.from + by, this.to + by);
	}

	zoomTo(row) {
		const start = this.data.start[row], length = Math.max(this.data.duration[row], 10);

		this.zoom(start - length * 0.1, start + length * 1.1);
	}

	get isZoomed() {
		return this.from > 0 || this.to < Math.max(this.trace.duration, 1);
	}

	/* --- rows --- */

	arrange() {
		const { first, end } = this.trace;

		if (this.visible.length < end - first)
			this.visible = new Uint32Array(end - first);
		this.visibleCount = 0;
		for (let row = first; row < end;) {
			if (this.keep && !this.keep[row]) {
				/* Nothing below it is kept either. */
				row = this.data.end[row];
				continue;
			}
			this.visible[this.visibleCount++] = row;
			row = this.collapsed[row] ? this.data.end[row] : row + 1;
		}
		this.tell('rows');
	}

	/* Where a row stands, or, if it is hidden, what hides it. */
	indexOf(row) {
		let low = 0, high = this.visibleCount - 1;

		while (low < high) {
			const middle = (low + high + 1) >> 1;

			if (this.visible[middle] <= row)
				low = middle;
			else
				high = middle - 1;
		}
		return low;
	}

	isVisible(row) {
		return this.visibleCount > 0 && this.visible[this.indexOf(row)] === row;
	}

	collapse(row, yes) {
		if (!this.hasChildren(row) || !!this.collapsed[row] === yes)
			return;
		this.collapsed[row] = yes ? 1 : 0;
		this.arrange();
	}

	/* All of the trace: levels that stay open; Infinity: all. */
	expandTo(levels) {
		for (let row = this.trace.first; row < this.trace.end; row++)
			this.collapsed[row] = this.data.depth[row] + 1 >= levels && this.hasChildren(row) ? 1 : 0;
		this.arrange();
	}

	/* A row and all that is above it can be seen. */
	open(row) {
		this.showTrace(this.data.traceOf(row));
		if (this.keep && !this.keep[row])
			this.setFilter(null, false);
		for (let above = this.data.parent[row]; above >= 0; above = this.data.parent[above])
			this.collapsed[above] = 0;
		this.arrange();
	}

	select(row) {
		this.selected = row;
		this.tell('selection');
	}

	/* --- filters --- */

	setFilter(matches, errorsOnly) {
		this.matches = matches;
		this.errorsOnly = errorsOnly;
		this.keep = null;
		if (matches || errorsOnly)
			this.keepMatching();
		this.tell('filter');
		if (this.trace)
			this.arrange();
	}

	isMatch(row) {
		return (!this.matches || this.matches[row] > 0) &&
			(!this.errorsOnly || (this.data.flags[row] & BAD) > 0) && !(this.data.flags[row] & LEFT_OUT);
	}

	keepMatching() {
		this.keep = new Uint8Array(this.data.count);
		for (let row = this.data.count - 1; row >= 0; row--) {
			const parent = this.data.parent[row];

			if (this.isMatch(row))
				this.keep[row] = 2;
			if (this.keep[row] && parent >= 0 && !this.keep[parent])
				this.keep[parent] = 1;
		}
	}

	/* The next row after one, or before it, that is as wanted: round the end, in all traces. */
	next(from, step, wanted) {
		const count = this.data.count;

		for (let i = 1; i <= count; i++) {
			const row = (((from + step * i) % count) + count) % count;

			if (wanted(row))
				return row;
		}
		return -1;
	}
}
