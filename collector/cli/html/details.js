/* SPDX-License-Identifier: Apache-2.0
 *
 * All that a dump says of one span.
 */

const TEXT_SHOWN = 4000; /* characters of a value, until asked for the rest */
const EVENTS_SHOWN = 100;
const SPAN_KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const AWAY = 'The text of this span could not be read again: its file had changed.';

class Details {
	constructor(view, rows, box) {
		this.view = view;
		this.rows = rows;
		this.box = box;
		this.isOpen = false;
		this.shown = -1;
		view.listen('selection', () => this.follow());
		view.listen('filter', () => this.follow());
	}

	follow() {
		if (this.view.selected < 0)
			this.close();
		else if (this.isOpen)
			this.show(this.view.selected);
	}

	open() {
		if (this.view.selected < 0)
			return;
		this.isOpen = true;
		this.box.hidden = false;
		this.show(this.view.selected);
		/* The rows may have less room now. */
		this.rows.list.reveal(this.view.indexOf(this.view.selected));
	}

	close() {
		if (this.box.contains(document.activeElement))
			this.rows.boxes.rows.focus();
		this.isOpen = false;
		this.box.hidden = true;
		this.shown = -1;
	}

	toggle() {
		if (this.isOpen)
			this.close();
		else
			this.open();
	}

	async show(row) {
		if (this.shown === row && this.marked === sought)
			return;
		this.shown = row;
		this.marked = sought;
		const text = await this.view.data.text(row);

		/* Another one may have been chosen meanwhile. */
		if (this.shown !== row)
			return;
		this.box.replaceChildren(...this.sections(row, text));
		this.box.scrollTop = 0;
	}

	sections(row, text) {
		const { data } = this.view;
		const span = text ? parseLoosely(text) : null;
		const made = [this.heading(row)];

		if (span === null || typeof span !== 'object') {
			made.push(this.facts(row, null));
			if (!(data.flags[row] & (MISSING | REMOTE)))
				made.push(element('p', 'note', text ? 'This span can be shown as it stands only.' : AWAY));
			if (text)
				made.push(this.raw(text, true));
			made.push(...this.origin(row));
			return made;
		}
		const attributes = plainAttributes(listOf(span, 'attributes'));

		made.push(this.generation(row, attributes), this.problem(row, span, attributes), this.facts(row, span),
			this.attributes('Attributes', attributes, span.droppedAttributesCount),
			this.events(span), this.links(span), ...this.origin(row), this.raw(text, false));
		return made.filter((part) => part !== null);
	}

	heading(row) {
		const { data } = this.view;
		const close = button('✕', 'Close (Esc)', () => this.close());
		const link = button('Link', 'Copy a link to this span (y)', () => copy(location.href));

		close.setAttribute('aria-label', 'Close');
		return element('header', '', element('span', 'dot kind-' + KINDS[data.kind[row]]),
			said('h2', '', data.name[row] || 'span ' + data.id[row]), link, close);
	}

	section(title, ...content) {
		return element('section', '', element('h3', '', title), ...content);
	}

	fold(title, isOpen, ...content) {
		const made = element('details', '', element('summary', '', title), ...content);

		made.open = isOpen;
		return made;
	}

	/* --- a call of a model, at a glance --- */

	generation(row, attributes) {
		const { data } = this.view;
		const tile = (value, label, className = '') => element('div', 'tile ' + className, said('b', '', value), element('span', '', label));
		const get = (key) => attributes.get('gen_ai.' + key);
		const made = [], first = data.firstChunk[row], seconds = (data.duration[row] - first) / 1e9;
		const model = get('request.model') || get('response.model'), reasons = get('response.finish_reasons');
		const out = get('usage.output_tokens');

		if (!(data.flags[row] & GENERATION))
			return null;
		if (model)
			made.push(tile(String(model), 'model', 'wide'));
		if (get('usage.input_tokens') !== undefined || out !== undefined)
			made.push(tile(valueText(get('usage.input_tokens') ?? '?') + ' → ' + valueText(out ?? '?'), 'tokens in → out'));
		if (first)
			made.push(tile(duration(first), 'first chunk'));
		if (out > 0 && seconds > 0)
			made.push(tile((out / seconds).toFixed(out / seconds < 100 ? 1 : 0), 'tokens/s'));
		if (Array.isArray(reasons) && reasons.length)
			made.push(tile(reasons.join(', '), 'finish', /length|max_tokens|content_filter|error/.test(reasons) ? 'warn' : ''));
		return made.length ? element('section', 'tiles', ...made) : null;
	}

	/* --- what went wrong --- */

	problem(row, span, attributes) {
		const flags = this.view.data.flags[row], status = span.status || {};
		const exception = listOf(span, 'events').find((event) => event && event.name === 'exception');
		const told = exception ? plainAttributes(listOf(exception, 'attributes')) : new Map();
		const type = attributes.get('error.type') ?? told.get('exception.type');
		const message = told.get('exception.message') || status.message, stack = told.get('exception.stacktrace');

		if (!(flags & BAD))
			return null;
		const made = element('section', flags & UNFINISHED ? 'problem unfinished' : 'problem',
			element('h3', '', flags & UNFINISHED ? 'Unfinished' : 'Error'));

		if (type !== undefined)
			made.append(said('p', 'type', valueText(type)));
		if (message)
			made.append(said('p', 'message', valueText(message)));
		if (stack)
			made.append(this.long(valueText(stack)));
		return made;
	}

	/* --- what is known of any span --- */

	facts(row, span) {
		const { data } = this.view, trace = data.traceOf(row), parent = data.parent[row];
		const list = element('dl', 'facts');
		const fact = (name, ...content) => list.append(element('dt', '', name), element('dd', '', ...content));
		const goto = (to) => {
			const link = button('', 'Go to this span', () => this.rows.go(to));

			link.classList.add('link');
			link.append(safe(data.name[to] || 'span ' + data.id[to]));
			return link;
		};

		if (!(data.flags[row] & (MISSING | REMOTE)))
			fact('Duration', duration(data.duration[row]));
		fact('Start', '+' + duration(data.start[row]), element('span', 'dim', ' ' + moment(trace.start + BigInt(Math.round(data.start[row])))));
		if (data.flags[row] & CONCURRENT)
			fact('Siblings', 'overlaps in time with a sibling');
		if (parent >= 0)
			fact('Parent', goto(parent));
		fact('Span', element('code', '', data.id[row]), copyButton(data.id[row]));
		fact('Trace', element('code', '', trace.id), copyButton(trace.id));
		if (span && Number.isInteger(span.kind) && SPAN_KINDS[span.kind])
			fact('Kind', SPAN_KINDS[span.kind]);
		if (span && span.traceState)
			fact('State', said('code', '', String(span.traceState)));
		return element('section', '', list);
	}

	/* --- values --- */

	/* Several lines of text, or one that is long. */
	long(text) {
		const box = element('div', 'long'), body = element('pre', '');
		const fill = (all) => {
			body.replaceChildren(safe(all ? text : text.slice(0, TEXT_SHOWN)));
		};

		body.tabIndex = 0;
		box.append(body, copyButton(text));
		fill(text.length <= TEXT_SHOWN);
		if (text.length > TEXT_SHOWN) {
			const more = button('Show all ' + number(text.length) + ' characters', '', () => {
				fill(true);
				more.remove();
			});

			box.append(more);
		}
		return box;
	}

	/* A text that is JSON is easier to read in lines of its own. */
	readable(text) {
		if (!/^\s*[[{]/.test(text) || text.length > 1e6)
			return text;
		try {
			return JSON.stringify(JSON.parse(text), null, 2);
		} catch {
			return text;
		}
	}

	value(value) {
		const text = typeof value === 'string' ? this.readable(value) : valueText(value);

		if (text.length > 160 || text.includes('\n'))
			return this.long(text);
		const made = said('span', 'value ' + (typeof value === 'string' ? 'string' : 'plain'), text === '' ? '""' : text);

		return element('span', 'short', made, copyButton(text));
	}

	table(attributes) {
		const made = element('dl', 'attributes');

		for (const [key, value] of attributes)
			made.append(this.key(key), element('dd', '', this.value(value)));
		return made;
	}

	/* A long one is broken where its parts end. */
	key(key) {
		const made = element('dt', '');

		for (const part of key.split(/(?<=[._])/))
			made.append(safe(part), element('wbr', ''));
		return made;
	}

	attributes(title, attributes, dropped) {
		if (!attributes.size && !dropped)
			return null;
		const made = this.section(title, this.table(attributes));

		made.firstChild.append(element('span', 'count', ' ' + attributes.size));
		if (dropped)
			made.append(element('p', 'note', plural(dropped, 'attribute') + ' dropped'));
		return made;
	}

	events(span) {
		const events = listOf(span, 'events').filter((event) => event !== null && typeof event === 'object');
		const list = element('ol', 'events');
		const add = (from, to) => events.slice(from, to).forEach((event) => list.append(this.event(event, span)));
		const dropped = Number(span.droppedEventsCount) || 0;

		if (!events.length && !dropped)
			return null;
		const made = this.section('Events', list);

		made.firstChild.append(element('span', 'count', ' ' + events.length));
		add(0, EVENTS_SHOWN);
		if (events.length > EVENTS_SHOWN) {
			const more = button('Show all ' + number(events.length) + ' events', '', () => {
				add(EVENTS_SHOWN);
				more.remove();
			});

			made.append(more);
		}
		if (dropped)
			made.append(element('p', 'note', plural(dropped, 'more event') + ' dropped'));
		return made;
	}

	event(event, span) {
		const attributes = plainAttributes(listOf(event, 'attributes'));
		let after = 0;

		try {
			after = Number(BigInt(event.timeUnixNano) - BigInt(span.startTimeUnixNano));
		} catch {
			/* no time: it happened at the start, for all that is known */
		}
		const title = [element('time', '', '+' + duration(Math.max(0, after))), said('b', '', String(event.name))];

		if (!attributes.size)
			return element('li', '', element('div', 'line', ...title));
		const brief = [...attributes].filter(([key]) => key !== 'exception.stacktrace')
			.map(([key, value]) => key.slice(key.lastIndexOf('.') + 1) + '=' + valueText(value).slice(0, 80)).join('  ');

		title.push(said('span', 'brief', brief));
		return element('li', '', this.fold(element('span', 'line', ...title), event.name === 'exception', this.table(attributes)));
	}

	links(span) {
		const list = element('ul', 'links'), { data } = this.view;

		for (const link of listOf(span, 'links')) {
			const trace = link && String(link.traceId), id = link && String(link.spanId);
			const row = link ? data.id.findIndex((known, at) => known === id && data.traceOf(at).id === trace) : -1;
			const text = 'span ' + id + ' of trace ' + trace;

			if (!link)
				continue;
			if (row >= 0)
				list.append(element('li', '', button(data.name[row] || text, text, () => this.rows.go(row))));
			else
				list.append(element('li', '', said('code', '', text)));
		}
		return list.children.length ? this.section('Links', list) : null;
	}

	/* Whose span it is. */
	origin(row) {
		const group = this.view.data.groups[this.view.data.group[row]];

		if (!group)
			return [];
		const scope = group.scope || {}, attributes = plainAttributes(listOf(group.resource, 'attributes'));
		const title = element('span', '', 'Resource ', said('span', 'dim', group.label));

		return [this.fold(title, false, this.table(attributes)),
			this.fold(element('span', '', 'Scope ', said('span', 'dim', String(scope.name || ''))), false, this.table(new Map(
				[['name', String(scope.name || '')], ['version', String(scope.version || '')], ...plainAttributes(listOf(scope, 'attributes'))])))];
	}

	raw(text, isOpen) {
		return this.fold('As it stands in the dump', isOpen, this.long(isOpen ? text : this.readable(text)));
	}
}
