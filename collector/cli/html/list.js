/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of rows of one height, of which only those in sight are in the page. Browsers have a
 * greatest height: beyond it the scroll bar stands for more than it shows.
 */

const HEIGHT_MAX = 8e6;
const EXTRA = 6; /* rows drawn above and below what is in sight */

class List {
	constructor(box, rowHeight, draw) {
		this.box = box;
		this.rowHeight = rowHeight;
		this.draw = draw;
		this.count = 0;
		this.space = element('div', 'space');
		this.body = element('div', 'body');
		this.space.setAttribute('role', 'none');
		this.body.setAttribute('role', 'none');
		this.space.append(this.body);
		box.append(this.space);
		this.waiting = false;
		this.isWhole = false; /* all rows are there: for paper */
		box.addEventListener('scroll', () => this.refreshSoon());
		new ResizeObserver(() => this.refreshSoon()).observe(box);
	}

	setCount(count) {
		this.count = count;
		this.height = Math.min(count * this.rowHeight, HEIGHT_MAX);
		this.space.style.height = this.height + 'px';
		this.refreshSoon();
	}

	/* How far rows are moved by one pixel of the scroll bar. */
	get scale() {
		const room = this.height - this.box.clientHeight;

		return room > 0 ? (this.count * this.rowHeight - this.box.clientHeight) / room : 1;
	}

	refreshSoon() {
		if (this.waiting)
			return;
		this.waiting = true;
		requestAnimationFrame(() => this.refresh());
	}

	refresh() {
		this.waiting = false;
		if (this.isWhole)
			return;
		const top = this.box.scrollTop * this.scale;
		const first = Math.max(0, Math.floor(top / this.rowHeight) - EXTRA);
		const last = Math.min(this.count, Math.ceil((top + this.box.clientHeight) / this.rowHeight) + EXTRA);

		this.show(first, last, this.box.scrollTop - top);
	}

	show(first, last, offset) {
		const made = [];

		for (let i = first; i < last; i++)
			made.push(this.draw(i));
		this.body.style.transform = 'translateY(' + (offset + first * this.rowHeight) + 'px)';
		this.body.replaceChildren(...made);
	}

	/* Brings a row into sight, in the middle if it was not. */
	reveal(index) {
		const top = index * this.rowHeight, from = this.box.scrollTop * this.scale;
		const room = this.box.clientHeight;

		if (top < from || top + this.rowHeight > from + room)
			this.box.scrollTop = Math.max(0, top - room / 2) / this.scale;
		this.refresh();
	}

	get page() {
		return Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
	}
}
