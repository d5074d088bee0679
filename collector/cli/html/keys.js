/* SPDX-License-Identifier: Apache-2.0
 *
 * The keyboard.
 */

const KEY_HELP = [
	['↑ ↓', 'previous, next row'],
	['← →', 'collapse, expand; or to the parent, to the first child'],
	['Enter', 'details; again: close'],
	['Space', 'collapse or expand'],
	['Home End PgUp PgDn', 'further'],
	['/', 'search'],
	['n N', 'next, previous match'],
	['e E', 'next, previous error, also in other traces'],
	['f', 'only errors and what is above them'],
	['c x', 'collapse, expand all'],
	['1 … 9', 'expand to that depth'],
	['+ −', 'zoom in, out'],
	['z', 'zoom to the span'],
	['0', 'see all of the trace'],
	['a d', 'earlier, later'],
	['[ ]', 'previous, next trace'],
	['y', 'copy a link to the span'],
	['t', 'light or dark'],
	['Esc', 'leave the search, close the details'],
	['?', 'this help'],
];

class Keys {
	constructor(page) {
		const { view } = page;

		this.page = page;
		this.actions = {
			ArrowDown: () => this.move(1), j: () => this.move(1),
			ArrowUp: () => this.move(-1), k: () => this.move(-1),
			PageDown: () => this.move(page.rows.list.page), PageUp: () => this.move(-page.rows.list.page),
			Home: () => this.move(-Infinity), End: () => this.move(Infinity),
			ArrowLeft: () => this.left(), ArrowRight: () => this.right(),
			Enter: () => page.details.toggle(),
			' ': () => view.selected >= 0 && view.collapse(view.selected, !view.collapsed[view.selected]),
			'/': () => page.search.input.select(),
			'?': () => page.help(),
			e: () => this.jump(1, (row) => (view.data.flags[row] & BAD) > 0 && !(view.data.flags[row] & LEFT_OUT)),
			E: () => this.jump(-1, (row) => (view.data.flags[row] & BAD) > 0 && !(view.data.flags[row] & LEFT_OUT)),
			n: () => this.jump(1, (row) => view.keep !== null && view.keep[row] === 2),
			N: () => this.jump(-1, (row) => view.keep !== null && view.keep[row] === 2),
			f: () => page.toggleErrors(),
			c: () => page.expandTo(1), x: () => page.expandTo(Infinity),
			'+': () => view.zoomBy(0.5), '=': () => view.zoomBy(0.5), '-': () => view.zoomBy(2),
			0: () => view.zoom(0, view.trace.duration),
			z: () => view.selected >= 0 && view.zoomTo(view.selected),
			a: () => view.pan(-0.25), d: () => view.pan(0.25),
			'[': () => page.traces.step(-1), ']': () => page.traces.step(1),
			y: () => copy(location.href),
			t: () => page.switchTheme(),
			Escape: () => page.details.close(),
		};
		for (let depth = 1; depth <= 9; depth++)
			this.actions[depth] = () => page.expandTo(depth);
		addEventListener('keydown', (event) => this.onKey(event));
	}

	onKey(event) {
		const { target, key } = event;

		if (event.ctrlKey || event.metaKey || event.altKey || this.page.isHelpOpen || !this.page.view.trace)
			return;
		if (target.closest('input, textarea, select')) {
			this.onSearchKey(event);
			return;
		}
		if (target.id === 'splitter' && key.startsWith('Arrow'))
			return;
		/* A button keeps its own keys, and a text that is scrolled too. */
		if (target.closest('button, summary, pre') && /^(Enter| |Arrow.*|Page.*|Home|End)$/.test(key))
			return;
		if (target.closest('#trace-list') && /^(Arrow(Up|Down)|Enter)$/.test(key)) {
			if (key === 'Enter')
				this.page.boxes.rows.focus();
			else
				this.page.traces.step(key === 'ArrowDown' ? 1 : -1);
			event.preventDefault();
			return;
		}
		if (!Object.hasOwn(this.actions, key))
			return;
		event.preventDefault();
		this.actions[key]();
	}

	onSearchKey(event) {
		const { search, boxes } = this.page;

		if (event.key === 'Escape') {
			search.clear();
			boxes.rows.focus();
		} else if (event.key === 'Enter' && event.target === search.input) {
			boxes.rows.focus();
			this.actions[event.shiftKey ? 'N' : 'n']();
		} else {
			return;
		}
		event.preventDefault();
	}

	choose(index) {
		const { view, rows } = this.page;

		view.select(view.visible[index]);
		rows.list.reveal(index);
	}

	move(by) {
		const { view } = this.page, last = view.visibleCount - 1;
		const step = Math.sign(by);
		let index = view.selected < 0 ? (by > 0 && by < Infinity ? 0 : by < 0 ? 0 : last)
			: Math.min(last, Math.max(0, view.indexOf(view.selected) + by));

		if (last < 0)
			return;
		/* What stands for spans that are left out cannot be chosen. */
		while (view.data.flags[view.visible[index]] & LEFT_OUT && index + step >= 0 && index + step <= last)
			index += step;
		while (view.data.flags[view.visible[index]] & LEFT_OUT && index > 0)
			index--;
		this.choose(index);
	}

	left() {
		const { view, rows } = this.page, row = view.selected;

		if (row < 0)
			return;
		if (view.hasChildren(row) && !view.collapsed[row])
			view.collapse(row, true);
		else if (view.data.parent[row] >= 0)
			rows.go(view.data.parent[row]);
	}

	right() {
		const { view } = this.page, row = view.selected;

		if (row < 0 || !view.hasChildren(row))
			return;
		if (view.collapsed[row])
			view.collapse(row, false);
		else
			this.move(1);
	}

	jump(step, wanted) {
		const { view, rows } = this.page;
		const from = view.selected >= 0 ? view.selected : step > 0 ? view.trace.first - 1 : view.trace.first;
		const row = view.next(from, step, wanted);

		if (row >= 0)
			rows.go(row);
	}
}
