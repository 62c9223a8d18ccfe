// <textarea class="code-editor" data-mode="html|markdown|text">: CodeMirror in its place.  The
// textarea stays the field of the form and is kept up to date, so forms, htmx and pages without
// this script see no difference.
//
// The editor lives in a shadow root: there CodeMirror's styles are constructed style sheets,
// which a Content-Security-Policy without inline styles allows.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { html } from '@codemirror/lang-html';
import { markdown } from '@codemirror/lang-markdown';
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { Decoration, EditorView, MatchDecorator, ViewPlugin, drawSelection, highlightActiveLine,
	highlightActiveLineGutter, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const look = EditorView.theme({
	'&': { height: '100%', color: 'var(--ml-ink)', backgroundColor: 'var(--ml-surface)', fontSize: '13px' },
	'&.cm-focused': { outline: 'none' },
	'.cm-scroller': { fontFamily: 'var(--ml-mono)', lineHeight: '1.6' },
	'.cm-content': { padding: '12px 0', caretColor: 'var(--ml-accent)' },
	'.cm-cursor': { borderLeftColor: 'var(--ml-accent)' },
	'.cm-gutters': { color: 'var(--ml-ink-3)', backgroundColor: 'var(--ml-sunken)', border: '0' },
	'.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in oklab, var(--ml-accent) 6%, transparent)' },
	'&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
		backgroundColor: 'color-mix(in oklab, var(--ml-accent) 24%, transparent)',
	},
	'.cm-panels, .cm-tooltip': { color: 'var(--ml-ink)', backgroundColor: 'var(--ml-raised)', borderColor: 'var(--ml-line-2)' },
	'.cm-tooltip-autocomplete ul li[aria-selected]': { color: 'var(--ml-on-accent)', backgroundColor: 'var(--ml-accent)' },
	'.cm-textfield, .cm-button': { color: 'inherit', background: 'var(--ml-surface)', borderColor: 'var(--ml-line-2)' },
	'.cm-tag-liquid': { color: 'var(--ml-accent-strong)', backgroundColor: 'var(--ml-accent-soft)', borderRadius: '3px' },
	'.cm-placeholder': { color: 'var(--ml-ink-3)' },
});

const colours = syntaxHighlighting(HighlightStyle.define([
	{ tag: [tags.tagName, tags.angleBracket, tags.heading], color: 'var(--ml-plan)' },
	{ tag: [tags.attributeName, tags.propertyName], color: 'var(--ml-doubt)' },
	{ tag: [tags.attributeValue, tags.string, tags.url], color: 'var(--ml-good)' },
	{ tag: [tags.comment, tags.meta], color: 'var(--ml-ink-3)' },
	{ tag: [tags.number, tags.unit, tags.color, tags.atom], color: 'var(--ml-wait)' },
	{ tag: tags.keyword, color: 'var(--ml-doubt)' },
	{ tag: tags.strong, fontWeight: '600' },
	{ tag: tags.emphasis, fontStyle: 'italic' },
	{ tag: tags.link, textDecoration: 'underline' },
	{ tag: tags.invalid, color: 'var(--ml-bad)' },
]));

// {{ output }} and {% tag %}, whatever the language around them.
const liquid = new MatchDecorator({
	regexp: /\{\{[^{}\n]*\}\}|\{%[^{}\n]*%\}/g,
	decoration: Decoration.mark({ class: 'cm-tag-liquid' }),
});
const liquidTags = ViewPlugin.define(view => ({
	marks: liquid.createDeco(view),
	update(u) { this.marks = liquid.updateDeco(u, this.marks); },
}), { decorations: plugin => plugin.marks });

function language(mode) {
	if (mode === 'html')
		return html({ matchClosingTags: true, autoCloseTags: true });
	return mode === 'markdown' ? markdown() : [];
}

function extensions(area, changed) {
	return [
		lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), history(), drawSelection(),
		indentOnInput(), bracketMatching(), closeBrackets(), autocompletion(), lintGutter(),
		highlightSelectionMatches(), EditorView.lineWrapping, language(area.dataset.mode), liquidTags,
		keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap,
			...completionKeymap, ...lintKeymap, indentWithTab]),
		placeholder(area.placeholder), colours, look,
		EditorView.contentAttributes.of({ 'aria-label': area.ariaLabel ?? area.labels[0]?.textContent ?? '',
			spellcheck: area.spellcheck ? 'true' : 'false' }),
		EditorState.readOnly.of(area.readOnly || area.disabled),
		EditorView.updateListener.of(changed),
	];
}

// Marks the lines of <… data-line="3" data-column="7">a sentence</…>, which the selector in
// data-problems finds; lines and columns count from 1, line 0 is no place.
function showProblems(area, view) {
	const doc = view.state.doc;
	const list = [...document.querySelectorAll(area.dataset.problems)];

	view.dispatch(setDiagnostics(view.state, list.filter(e => +e.dataset.line > 0).map(e => {
		const line = doc.line(Math.min(+e.dataset.line, doc.lines));
		const from = Math.min(line.from + Math.max((+e.dataset.column || 1) - 1, 0), line.to);
		const length = line.text.slice(from - line.from).search(/[%}]\}/);	// of the tag it is in
		const severity = e.classList.contains('is-note') ? 'warning' : 'error';

		return { from, to: length < 0 ? line.to : from + length + 2, severity, message: e.textContent.trim() };
	})));
}

// What the textarea's own events did, the editor does.
function connect(area, view) {
	if (area.dataset.problems) {
		showProblems(area, view);
		document.addEventListener('htmx:afterSettle', () => showProblems(area, view));
	}
	area.addEventListener('editor:insert', e => {
		e.preventDefault();
		view.dispatch(view.state.replaceSelection(e.detail));
		view.focus();
	});
	area.form?.addEventListener('reset', () => setTimeout(() => view.dispatch({
		changes: { from: 0, to: view.state.doc.length, insert: area.value },
	})));
	area.focus = () => view.focus();
}

function mount(area) {
	const host = document.createElement('div');
	const root = host.attachShadow({ mode: 'open' });

	host.className = 'code-host';
	area.after(host);
	area.hidden = true;
	area.classList.add('is-mounted');
	connect(area, new EditorView({
		root,
		parent: root,
		state: EditorState.create({
			doc: area.value,
			extensions: extensions(area, update => {
				if (update.docChanged) {
					area.value = update.state.doc.toString();
					area.dispatchEvent(new Event('input', { bubbles: true }));
				}
				if (update.focusChanged && update.view.hasFocus)
					area.dispatchEvent(new CustomEvent('editor:focus', { bubbles: true }));
			}),
		}),
	}));
}

function mountAll() {
	for (const area of document.querySelectorAll('textarea.code-editor:not(.is-mounted)'))
		mount(area);
}

mountAll();
document.addEventListener('htmx:afterSettle', mountAll);
