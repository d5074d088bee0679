/* SPDX-License-Identifier: Apache-2.0
 *
 * Making elements and text. What a dump says reaches the page as text nodes and as nothing else: no
 * function here takes markup, and attributes get values of our own only.
 */

const SVG = 'http://www.w3.org/2000/svg';

/* What would reorder or hide what is around it: controls, direction marks, separators, tags. */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/u;
const UNSAFE_ALL = new RegExp(UNSAFE.source, 'gu');

function byId(id) {
	return document.getElementById(id);
}

function element(name, className, ...children) {
	const made = document.createElement(name);

	if (className)
		made.className = className;
	made.append(...children);
	return made;
}

function shape(name, attributes) {
	const made = document.createElementNS(SVG, name);

	for (const key in attributes)
		made.setAttribute(key, attributes[key]);
	return made;
}

/* What is searched for, to be marked wherever it stands. */
let sought = '';

function marked(parts, text) {
	const low = sought ? text.toLowerCase() : '';
	let from = 0, at = -1;

	/* A few letters are longer in lower case: then places do not agree. */
	if (low.length === text.length)
		at = low.indexOf(sought);
	for (; at >= 0 && sought; at = low.indexOf(sought, from)) {
		parts.append(text.slice(from, at), element('mark', '', text.slice(at, at + sought.length)));
		from = at + sought.length;
	}
	parts.append(text.slice(from));
}

/* Text of a dump as nodes: what must not be obeyed is shown by its number. */
function safe(text) {
	const parts = document.createDocumentFragment();
	let from = 0;

	if (UNSAFE.test(text)) {
		for (const match of text.matchAll(UNSAFE_ALL)) {
			const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');

			marked(parts, text.slice(from, match.index));
			parts.append(element('span', 'control', 'U+' + code));
			from = match.index + match[0].length;
		}
	}
	marked(parts, text.slice(from));
	return parts;
}

/* The same where only a string will do: titles. */
function safeString(text) {
	return text.replace(UNSAFE_ALL, '\ufffd');
}

function said(name, className, text) {
	return element(name, className, safe(text));
}

function button(text, title, action) {
	const made = element('button', '', text);

	made.type = 'button';
	made.title = title;
	made.addEventListener('click', action);
	return made;
}

function plural(count, word, words = word + 's') {
	return number(count) + ' ' + (count === 1 ? word : words);
}

/* Three digits at a time, by a thin space. */
function number(value) {
	return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/* Three significant digits below a minute, as `spanshim tree` has them. */
function duration(ns) {
	const units = [['ns', 1], ['µs', 1e3], ['ms', 1e6], ['s', 1e9]];
	const seconds = Math.round(ns / 1e9);
	const two = (value) => String(value).padStart(2, '0');

	if (seconds >= 3600)
		return Math.floor(seconds / 3600) + 'h' + two(Math.floor(seconds / 60) % 60) + 'm';
	if (seconds >= 60)
		return Math.floor(seconds / 60) + 'm' + two(seconds % 60) + 's';
	const [unit, size] = units[ns < 1000 ? 0 : ns < 999500 ? 1 : ns < 999500000 ? 2 : 3];
	const value = ns / size;

	if (unit === 'ns')
		return Math.round(ns) + ' ns';
	return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + ' ' + unit;
}

/* Nanoseconds since 1970, a BigInt, as a date in UTC. */
function moment(ns) {
	const date = new Date(Number(ns / 1000000n));

	if (isNaN(date))
		return String(ns) + ' ns';
	return date.toISOString().replace('T', ' ').replace('Z', ' UTC');
}

async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = element('textarea', 'offscreen');

		area.value = text;
		document.body.append(area);
		area.select();
		document.execCommand('copy');
		area.remove();
	}
}

function copyButton(text) {
	const made = button('Copy', 'Copy', async () => {
		await copy(typeof text === 'function' ? text() : text);
		made.textContent = 'Copied';
		setTimeout(() => { made.textContent = 'Copy'; }, 1200);
	});

	made.classList.add('copy');
	return made;
}
