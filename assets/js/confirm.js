// <button data-confirm="Delete the list “News”?" data-confirm-text="Its 312 contacts stay.">:
// asks in a dialog before its form goes off.  The button of the dialog says what the button says.

function element(tag, className, text) {
	const e = document.createElement(tag);

	e.className = className;
	e.textContent = text;
	return e;
}

function buttons(act, dangerous) {
	const row = element('div', 'dialog-acts', '');
	const no = element('button', 'btn btn-plain', 'Cancel');
	const yes = element('button', dangerous ? 'btn btn-danger' : 'btn btn-primary', act);

	no.value = '';
	yes.value = 'yes';
	row.append(no, yes);
	return row;
}

// Resolves to whether the answer was yes.
function ask(question, text, act, dangerous) {
	const dialog = element('dialog', 'dialog', '');
	const form = document.createElement('form');
	const title = element('h2', '', question);

	form.method = 'dialog';
	title.id = 'dialog-title';
	dialog.setAttribute('aria-labelledby', title.id);
	form.append(title);
	if (text)
		form.append(element('p', 'q', text));
	form.append(buttons(act, dangerous));
	dialog.append(form);
	document.body.append(dialog);
	dialog.showModal();
	return new Promise(resolve => dialog.addEventListener('close', () => {
		resolve(dialog.returnValue === 'yes');
		dialog.remove();
	}));
}

async function askAndGo(button) {
	const { confirm, confirmText, confirmLabel } = button.dataset;
	const act = confirmLabel || button.textContent.trim() || button.ariaLabel || 'Go on';
	const yes = await ask(confirm, confirmText, act, /danger/.test(button.className));

	if (!yes) {
		button.focus();
		return;
	}
	button.dataset.confirmed = '';
	button.click();
	delete button.dataset.confirmed;
}

export function confirmActs() {
	// in the capture phase: before htmx and the form see the click
	document.addEventListener('click', e => {
		const button = e.target.closest?.('[data-confirm]');

		if (!button || 'confirmed' in button.dataset)
			return;
		e.preventDefault();
		e.stopPropagation();
		askAndGo(button);
	}, true);
	document.addEventListener('htmx:confirm', e => {
		if (!e.detail.question)
			return;
		e.preventDefault();
		ask(e.detail.question, '', 'Go on', false).then(yes => yes && e.detail.issueRequest(true));
	});
}
