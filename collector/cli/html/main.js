/* SPDX-License-Identifier: Apache-2.0
 *
 * The page: puts its parts together, says what is not on it, and keeps its address.
 */

const THEMES = ['light', 'dark'];
const STORED_THEME = 'spanshim-theme';

class Page {
	constructor(data) {
		const view = new View(data);

		this.data = data;
		this.view = view;
		this.boxes = { rows: byId('rows'), axis: byId('axis'), overview: byId('overview-box'), trace: byId('trace') };
		this.timeline = new Timeline(view);
		this.overview = new Overview(view, this.boxes.overview, byId('overview'), byId('lens'));
		this.rows = new Rows(view, this.timeline, this.boxes);
		this.pointer = new Pointer(this.timeline, this.boxes);
		this.details = new Details(view, this.rows, byId('details'));
		this.search = new Search(view, byId('search'), byId('found'));
		this.traces = new Traces(view, byId('trace-list'));
		this.keys = new Keys(this);
		this.wire();
		this.sayWhatIsMissing();
	}

	get isHelpOpen() {
		return byId('keys').open;
	}

	wire() {
		const { view, boxes } = this;

		view.listen('trace', () => { this.showFacts(); this.overview.draw(); });
		view.listen('time', () => this.overview.drawLens());
		view.listen('filter', () => byId('errors').setAttribute('aria-pressed', view.errorsOnly));
		view.listen('rows', () => this.showEmpty());
		view.listen('selection', () => this.onSelection());
		dragToZoom(boxes.axis, view, (x) => this.timeline.time(x));
		dragToZoom(boxes.overview, view, (x) => x / boxes.overview.clientWidth * view.trace.duration);
		boxes.rows.addEventListener('wheel', (event) => this.onWheel(event), { passive: false });
		boxes.rows.addEventListener('click', (event) => {
			if (!event.target.closest('.fold') && this.rows.rowOf(event) >= 0)
				this.details.open();
		});
		byId('collapse').addEventListener('click', () => this.expandTo(1));
		byId('expand').addEventListener('click', () => this.expandTo(Infinity));
		byId('errors').addEventListener('click', () => this.toggleErrors());
		byId('theme').addEventListener('click', () => this.switchTheme());
		byId('help').addEventListener('click', () => this.help());
		byId('traces-toggle').addEventListener('click', () => this.toggleTraces());
		for (let depth = 1; depth <= 9; depth++)
			byId('depth').append(new Option('Depth ' + depth, depth));
		byId('depth').addEventListener('change', (event) => {
			this.expandTo(Number(event.target.value) || Infinity);
			event.target.value = '';
			boxes.rows.focus();
		});
		addEventListener('hashchange', () => this.goToAddress());
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.overview.draw());
		this.wireSplitter();
	}

	/* The tree's part of the width. */
	wireSplitter() {
		const splitter = byId('splitter'), main = byId('main');
		let share = 0.46;
		const set = (to) => {
			share = Math.min(0.8, Math.max(0.15, to));
			main.style.setProperty('--tree', share * 100 + '%');
			main.style.setProperty('--share', share);
			splitter.setAttribute('aria-valuenow', Math.round(share * 100));
			this.rows.refreshTime();
		};

		splitter.addEventListener('pointerdown', (event) => splitter.setPointerCapture(event.pointerId));
		splitter.addEventListener('pointermove', (event) => {
			const box = byId('columns').getBoundingClientRect();

			if (splitter.hasPointerCapture(event.pointerId))
				set((event.clientX - box.left) / box.width);
		});
		splitter.addEventListener('keydown', (event) => {
			if (event.key === 'ArrowLeft' || event.key === 'ArrowRight')
				set(share + (event.key === 'ArrowLeft' ? -0.02 : 0.02));
		});
		set(share);
	}

	onWheel(event) {
		if (!event.ctrlKey && !event.metaKey && !event.shiftKey)
			return;
		const box = this.boxes.axis.getBoundingClientRect();

		event.preventDefault();
		if (event.shiftKey)
			this.view.pan(Math.sign(event.deltaY || event.deltaX) * 0.1);
		else
			this.view.zoomBy(event.deltaY > 0 ? 1.25 : 0.8, this.timeline.time(event.clientX - box.left));
	}

	/* --- commands --- */

	expandTo(levels) {
		const { view, rows } = this;

		view.expandTo(levels);
		if (view.selected >= 0)
			rows.list.reveal(view.indexOf(view.selected));
	}

	toggleErrors() {
		this.view.setFilter(this.view.matches, !this.view.errorsOnly);
	}

	toggleTraces() {
		const list = byId('traces');

		list.hidden = !list.hidden;
		byId('traces-toggle').setAttribute('aria-expanded', !list.hidden);
	}

	switchTheme() {
		const root = document.documentElement;
		const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;

		root.dataset.theme = isDark ? 'light' : 'dark';
		try {
			localStorage.setItem(STORED_THEME, root.dataset.theme);
		} catch {
			/* kept for as long as the page is open */
		}
		this.overview.draw();
	}

	help() {
		byId('keys').showModal();
	}

	/* --- texts --- */

	showTitle() {
		const { head, traces } = this.data;
		const sum = (key) => traces.reduce((total, trace) => total + trace[key], 0);
		const errors = sum('errors'), unfinished = sum('unfinished');
		const totals = byId('totals'), part = (className, text) => totals.append(' · ', element('span', className, text));

		byId('title').replaceChildren(safe(head.title));
		totals.textContent = plural(traces.length, 'trace') + ' · ' + plural(sum('spans'), 'span');
		if (errors)
			part('bad', plural(errors, 'error'));
		if (unfinished)
			part('warn', number(unfinished) + ' unfinished');
		byId('errors').textContent = errors + unfinished ? 'Errors ' + number(errors + unfinished) : 'No errors';
		byId('errors').title = 'Only errors and unfinished spans, and what is above them (f)';
		byId('errors').disabled = !(errors + unfinished);
		byId('traces-toggle').textContent = 'Traces ' + number(traces.length);
		byId('traces-toggle').hidden = byId('traces').hidden = traces.length < 2;
		if (innerWidth < 1100 && traces.length > 1)
			this.toggleTraces();
	}

	showFacts() {
		const { trace } = this.view, box = byId('trace-facts');
		const part = (className, text) => box.append(element('span', className, text));

		box.replaceChildren(element('span', 'label', 'Trace'), element('code', '', trace.id), copyButton(trace.id));
		part('', duration(trace.duration));
		part('', plural(trace.spans, 'span'));
		if (trace.errors)
			part('bad', plural(trace.errors, 'error'));
		if (trace.unfinished)
			part('warn', number(trace.unfinished) + ' unfinished');
		if (trace.missing)
			part('warn', number(trace.missing) + ' missing');
		part('dim', moment(trace.start));
		this.showLegend();
	}

	showLegend() {
		const { trace, data } = this.view, seen = new Set();

		for (let row = trace.first; row < trace.end; row++)
			if (!(data.flags[row] & (LEFT_OUT | MISSING)))
				seen.add(data.kind[row]);
		byId('legend').replaceChildren(...[...seen].sort().map((kind) => element('span', '',
			element('i', 'dot kind-' + KINDS[kind]), KINDS[kind])));
	}

	showEmpty() {
		const { view, boxes } = this;
		const text = view.visibleCount ? '' : view.keep ? 'Nothing in this trace matches.' : 'There are no spans.';

		boxes.rows.dataset.empty = text;
	}

	/* Losses, and what could not be read or shown: nothing is left out silently. */
	sayWhatIsMissing() {
		const { head } = this.data, box = byId('notices');
		const say = (className, title, ...lines) => {
			const list = element('ul', '');

			for (const line of lines)
				list.append(said('li', '', line));
			box.append(element('details', className, element('summary', '', title), ...(lines.length ? [list] : [])));
		};

		if (head.losses.length)
			say('bad', plural(head.losses.reduce((sum, [, count]) => sum + count, 0), 'event') + ' lost',
				...head.losses.map(([what, count]) => what + ': ' + number(count)));
		if (head.troubles.length)
			say('warn', plural(head.troubles.length + head.moreTroubles, 'line') + ' could not be read', ...head.troubles,
				...(head.moreTroubles ? [number(head.moreTroubles) + ' more'] : []));
		if (head.cutSpans)
			say('warn', number(head.cutSpans) + ' of ' + plural(head.found, 'span') + ' left out',
				head.cutErrors ? plural(head.cutErrors, 'span') + ' with errors among them' : 'all with errors are here, and all that are unfinished',
				'none of them took longer than ' + duration(head.cutLongest),
				'spanshim html --trace, --errors, --min-duration or --name chooses others; --spans 0 takes all');
		if (head.beyondMemory)
			say('warn', plural(head.beyondMemory, 'span') + ' left out to save memory', 'spanshim html --trace looks at one trace');
		if (head.filters.length)
			say('', 'only some of ' + plural(head.found, 'span'), ...head.filters);
		if (head.unread)
			say('warn', plural(head.unread, 'span') + ' whose file changed while it was read');
		if (head.duplicates)
			say('', plural(head.duplicates, 'span') + ' more than once in the dumps', 'shown once');
		if (head.files.length > 1)
			say('', plural(head.files.length, 'file'), ...head.files);
	}

	/* --- the address: #TRACE/SPAN --- */

	onSelection() {
		const { view, boxes } = this;
		const address = '#' + view.trace.id + (view.selected >= 0 ? '/' + view.data.id[view.selected] : '');

		if (view.selected >= 0)
			boxes.rows.setAttribute('aria-activedescendant', 'row-' + view.selected);
		else
			boxes.rows.removeAttribute('aria-activedescendant');
		if (this.isStarted && location.hash !== address)
			history.replaceState(null, '', address);
	}

	goToAddress() {
		const { data, view, rows } = this;
		const [, traceId, spanId] = /^#([0-9a-f]{32})(?:\/([0-9a-f]{16}))?$/.exec(location.hash) || [];
		const trace = data.traces.find((known) => known.id === traceId);

		if (!trace)
			return false;
		view.showTrace(trace);
		for (let row = trace.first; spanId && row < trace.end; row++) {
			if (data.id[row] !== spanId)
				continue;
			rows.go(row);
			this.details.open();
			break;
		}
		return true;
	}

	start() {
		const { data, view, boxes } = this;

		this.showTitle();
		byId('loading').remove();
		byId('main').hidden = false;
		byId('key-list').replaceChildren(...KEY_HELP.map(([keys, what]) => element('div', '',
			element('dt', '', ...keys.split(' ').map((key) => key === '…' ? key : element('kbd', '', key))), element('dd', '', what))));
		byId('version').textContent = 'spanshim ' + data.head.version;
		if (data.traces.length && !this.goToAddress())
			view.showTrace(data.traces[0]);
		if (!data.traces.length)
			boxes.rows.dataset.empty = 'There are no spans.';
		this.isStarted = true;
		this.rows.list.refresh();
		boxes.rows.focus();
		document.documentElement.dataset.ready = 'yes';
	}
}

function storedTheme() {
	try {
		return localStorage.getItem(STORED_THEME);
	} catch {
		return null;
	}
}

async function start() {
	const loading = byId('loading'), theme = storedTheme();

	if (THEMES.includes(theme))
		document.documentElement.dataset.theme = theme;
	if (typeof DecompressionStream === 'undefined' || !CSS.supports('color', 'light-dark(white, black)')) {
		loading.textContent = 'This browser is too old for this page: it wants Firefox 121, Chromium 123, Safari 17.5 or later.';
		return;
	}
	try {
		const data = new Data();

		await data.load((done) => {
			loading.textContent = 'Reading… ' + Math.round(done * 100) + ' %';
			return new Promise((resume) => { setTimeout(resume); });
		});
		new Page(data).start();
	} catch (error) {
		loading.textContent = 'This page is damaged: ' + error.message;
		throw error;
	}
}

start();
