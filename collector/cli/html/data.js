/* SPDX-License-Identifier: Apache-2.0
 *
 * The data of the page. Blocks are base64 of gzip: "head" and "rows" are read at the start, into
 * flat arrays; "spans", what the dump says of each span, when it is asked for.
 */

const ERROR = 1, UNFINISHED = 2, MISSING = 4, REMOTE = 8, CONTEXT = 16, CONCURRENT = 32, GENERATION = 64;
const LEFT_OUT = 128;
const BAD = ERROR | UNFINISHED;
const CHUNK = 0, OTHER = 1, BAD_TICK = 2;
const TEXTS_KEPT = 400; /* blocks of spans whose text is kept */

async function unpack(block) {
	const packed = atob(block.textContent);
	const bytes = new Uint8Array(packed.length);

	for (let i = 0; i < packed.length; i++)
		bytes[i] = packed.charCodeAt(i);
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));

	return new Response(stream).text();
}

/* JSON as dumps have it: more is let pass in strings than by the book. */
function parseLoosely(text) {
	try {
		return JSON.parse(text);
	} catch {
		try {
			return JSON.parse(text.replace(/[\u0000-\u001f]/g,
				(c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')));
		} catch {
			return null;
		}
	}
}

class Data {
	constructor() {
		this.spanBlocks = [...document.getElementsByClassName('spans')];
		this.blockFirst = this.spanBlocks.map((block) => Number(block.dataset.first)); /* row */
		this.texts = new Map();
	}

	async load(progress) {
		const blocks = [...document.getElementsByClassName('rows')];
		let row = 0;

		this.head = JSON.parse(await unpack(document.getElementsByClassName('head')[0]));
		this.makeArrays(this.head.traces.reduce((sum, trace) => sum + trace[7], 0));
		for (let i = 0; i < blocks.length; i++) {
			for (const raw of JSON.parse(await unpack(blocks[i])))
				this.takeRow(row++, raw);
			blocks[i].remove();
			if (i % 8 === 7)
				await progress((i + 1) / blocks.length);
		}
		this.makeTraces();
		this.groups = this.head.groups.map(([label, resource, scope]) => (
			{ label, resource: parseLoosely(resource || '{}'), scope: parseLoosely(scope || '{}') }));
	}

	makeArrays(count) {
		this.count = count;
		this.depth = new Uint32Array(count);
		this.parent = new Int32Array(count);
		this.end = new Uint32Array(count); /* of what is below: the row after it */
		this.start = new Float64Array(count); /* ns after the trace's */
		this.duration = new Float64Array(count);
		this.flags = new Uint8Array(count);
		this.group = new Int32Array(count);
		this.firstChunk = new Float64Array(count);
		this.kind = new Uint8Array(count);
		this.name = new Array(count);
		this.words = new Array(count);
		this.id = new Array(count);
		this.ticks = new Array(count);
		this.left = new Map(); /* rows that stand for spans that are not there */
		this.kinds = new Map();
	}

	takeRow(row, [depth, start, length, flags, group, name, words, id, more, ticks]) {
		this.depth[row] = depth;
		this.start[row] = start;
		this.duration[row] = length;
		this.flags[row] = flags;
		this.group[row] = group;
		this.name[row] = name;
		this.words[row] = words;
		if (flags & LEFT_OUT) {
			this.left.set(row, { spans: id, errors: more });
			return;
		}
		this.id[row] = id;
		this.firstChunk[row] = more || 0;
		this.ticks[row] = ticks && ticks.length ? ticks : null;
		this.kind[row] = this.kindOf(name, flags);
		if (!this.firstChunk[row] && KINDS[this.kind[row]] === 'stream' && ticks)
			this.firstChunk[row] = ticks.find((_when, i) => i % 2 === 0 && ticks[i + 1] === CHUNK) || 0;
	}

	kindOf(name, flags) {
		if (flags & GENERATION)
			return KINDS.indexOf('chat');
		const space = name.indexOf(' ');
		const word = space < 0 ? name : name.slice(0, space);

		return KINDS.indexOf(KIND_WORDS[Object.hasOwn(KIND_WORDS, word) ? word : 'other']);
	}

	/* Parents, ends and traces, from the rows' depths. */
	makeTraces() {
		let row = 0;

		this.traces = this.head.traces.map(([id, start, length, spans, errors, unfinished, missing, rows], number) => {
			const trace = { number, id, start: BigInt(start), duration: length, spans, errors,
				unfinished, missing, first: row, end: row + rows };
			const above = [];

			for (; row < trace.end; row++) {
				while (above.length > this.depth[row])
					this.end[above.pop()] = row;
				this.parent[row] = above.length ? above[above.length - 1] : -1;
				above.push(row);
				trace.duration = Math.max(trace.duration, this.start[row] + this.duration[row]);
			}
			for (const rest of above)
				this.end[rest] = row;
			return trace;
		});
	}

	traceOf(row) {
		let low = 0, high = this.traces.length - 1;

		while (low < high) {
			const middle = (low + high + 1) >> 1;

			if (this.traces[middle].first <= row)
				low = middle;
			else
				high = middle - 1;
		}
		return this.traces[low];
	}

	/* What the dump says of the spans of a block, a line each. */
	async lines(block) {
		let known = this.texts.get(block);

		if (known)
			return known;
		known = (await unpack(this.spanBlocks[block])).split('\n');
		this.texts.set(block, known);
		if (this.texts.size > TEXTS_KEPT)
			this.texts.delete(this.texts.keys().next().value);
		return known;
	}

	/* That of one row; '' where there is none. */
	async text(row) {
		const block = this.blockFirst.findLastIndex((first) => first <= row);

		return (await this.lines(block))[row - this.blockFirst[block]];
	}
}

/* Kinds of spans have a colour each. */
const KINDS = ['other', 'session', 'action', 'stream', 'chat', 'tool', 'check'];
const KIND_WORDS = {
	other: 'other',
	session: 'session', start_session: 'session',
	action: 'action',
	stream: 'stream', stream_with_chunking: 'stream',
	chat: 'chat', text_completion: 'chat', generate_content: 'chat', embeddings: 'chat',
	execute_tool: 'tool',
	sampling: 'check', validation: 'check',
};

/* --- OTLP's values --- */

/* An AnyValue as what it means; what is none stays as it is. */
function plain(any) {
	if (any === null || typeof any !== 'object')
		return any;
	const [kind] = Object.keys(any);
	const value = any[kind];

	if (kind === 'arrayValue')
		return listOf(value, 'values').map(plain);
	if (kind === 'kvlistValue')
		return plainAttributes(listOf(value, 'values'));
	return value;
}

function plainAttributes(list) {
	const made = new Map();

	for (const { key, value } of pairs(list))
		if (!made.has(key))
			made.set(key, plain(value));
	return made;
}

function listOf(object, key) {
	return object !== null && typeof object === 'object' && Array.isArray(object[key]) ? object[key] : [];
}

/* The elements of a list that are attributes. */
function pairs(list) {
	return list.filter((pair) => pair !== null && typeof pair === 'object' && typeof pair.key === 'string');
}

/* A value as text, on several lines if it is a structure of some size. */
function valueText(value) {
	if (typeof value === 'string')
		return value;
	if (!(value instanceof Map || Array.isArray(value)))
		return String(value);
	const objects = (_key, inner) => inner instanceof Map ? Object.fromEntries(inner) : inner;
	const short = JSON.stringify(value, objects);

	return short.length <= 100 ? short : JSON.stringify(value, objects, 2);
}
