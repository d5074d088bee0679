/* SPDX-License-Identifier: Apache-2.0
 *
 * Search in names, words, ids and all that the dump says of each span. Names are searched at once;
 * the texts, which have to be unpacked, in steps, so that the page stays awake.
 */

class Search {
	constructor(view, input, output) {
		this.view = view;
		this.input = input;
		this.output = output;
		this.run = 0;
		input.addEventListener('input', () => {
			clearTimeout(this.timer);
			this.timer = setTimeout(() => this.start(), 150);
		});
	}

	get text() {
		return this.input.value.trim().toLowerCase();
	}

	clear() {
		this.input.value = '';
		this.start();
	}

	async start() {
		const run = ++this.run, text = this.text, { view } = this, { data } = view;

		sought = text;
		clearTimeout(this.timer);
		if (!text) {
			this.output.textContent = '';
			view.setFilter(null, view.errorsOnly);
			return;
		}
		const matches = new Uint8Array(data.count);

		for (let row = 0; row < data.count; row++)
			if (!(data.flags[row] & LEFT_OUT) && this.inBrief(row, text))
				matches[row] = 1;
		this.show(matches, '…');
		for (let block = 0; block < data.spanBlocks.length; block++) {
			const found = await this.inBlock(block, text, matches, run);

			if (run !== this.run)
				return;
			if (found || block % 50 === 49)
				this.show(matches, '… ' + Math.round((block + 1) / data.spanBlocks.length * 100) + ' %');
		}
		this.show(matches, '');
	}

	show(matches, suffix) {
		let count = 0;

		for (const match of matches)
			count += match;
		this.output.textContent = plural(count, 'match', 'matches') + suffix;
		/* Rows are arranged anew when something came, not for the sake of a percentage. */
		if (this.shown === matches && this.shownCount === count)
			return;
		this.shown = matches;
		this.shownCount = count;
		this.view.setFilter(matches, this.view.errorsOnly);
	}

	inBrief(row, text) {
		const { data } = this.view;

		return data.name[row].toLowerCase().includes(text) || data.id[row] === text;
	}

	/* Returns whether something was found that was not known. */
	async inBlock(block, text, matches, run) {
		const { data } = this.view;
		const lines = await data.lines(block), first = data.blockFirst[block];
		/* Most spans can be passed over by looking at their text as it stands. */
		const escaped = JSON.stringify(text).slice(1, -1);
		let found = false;

		for (let i = 0; i < lines.length - 1 && run === this.run; i++) {
			if (matches[first + i])
				continue;
			const line = lines[i].toLowerCase();

			if ((line.includes(escaped) || line.includes('\\')) && this.inSpan(lines[i], text)) {
				matches[first + i] = 1;
				found = true;
			}
		}
		return found;
	}

	inSpan(line, text) {
		const span = parseLoosely(line);
		const holds = (value) => valueText(value).toLowerCase().includes(text);
		const inList = (list) => pairs(list).some(({ key, value }) => key.toLowerCase().includes(text) || holds(plain(value)));

		if (span === null || typeof span !== 'object')
			return line.toLowerCase().includes(text);
		return inList(listOf(span, 'attributes')) || holds((span.status || {}).message || '') ||
			listOf(span, 'events').some((event) => event && (holds(String(event.name)) || inList(listOf(event, 'attributes'))));
	}
}
