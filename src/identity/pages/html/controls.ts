import { attribute, type Child, flag, type Html, html } from './html.ts'

/** A field of a form, with its label, its hint and what was wrong with what was typed. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly type?: 'text' | 'email' | 'password'
  readonly value?: string | undefined
  /** HTML's own words, so that password managers and telephones know what is asked. */
  readonly autocomplete: string
  readonly hint?: Child
  readonly error?: string | undefined
  readonly inputMode?: 'numeric' | 'email' | 'text'
  readonly maxLength?: number
  readonly optional?: boolean
  readonly focus?: boolean
  /** Spaced capitals: for codes that are copied by eye. */
  readonly code?: boolean
}

export function field(what: Field): Html {
  const id = `f-${what.name}`
  const described = [
    what.hint !== undefined && `${id}-hint`,
    what.error !== undefined && `${id}-error`,
  ].filter((part) => part !== false)
  // The first field that was refused has the focus, so that its error is what is read out.
  const focused = what.focus === true || what.error !== undefined
  return html`<div class="field">
<label for="${id}">${what.label}${what.optional === true && html` <span class="muted">(optional)</span>`}</label>
${what.hint !== undefined && html`<p class="hint" id="${id}-hint">${what.hint}</p>`}
${what.error !== undefined && html`<p class="error" id="${id}-error"><span class="hidden">Error: </span>${what.error}</p>`}
<input id="${id}" name="${what.name}" type="${what.type ?? 'text'}"${attribute('value', what.value)} autocomplete="${what.autocomplete}"${what.code === true && html` class="code"`} autocapitalize="none" spellcheck="false"${attribute('inputmode', what.inputMode)}${attribute('maxlength', what.maxLength)}${attribute('aria-describedby', described.length > 0 ? described.join(' ') : undefined)}${what.error !== undefined && html` aria-invalid="true"`}${flag('required', what.optional !== true)}${flag('autofocus', focused)}>
</div>`
}

/** A value that the form brings back, and the user does not see. */
export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`
}

/** A choice of yes or no that stands for itself. */
export function checkbox(name: string, label: Child, checked = false): Html {
  return html`<label class="check"><input type="checkbox" name="${name}" value="yes"${flag('checked', checked)}><span>${label}</span></label>`
}

export interface Button {
  readonly label: string
  /** `quiet`: there, but not in the way. */
  readonly kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  /** What is sent when this button is the one. */
  readonly name?: string
  readonly value?: string
  /** Lets it go also when fields are empty: for "cancel" and its like. */
  readonly regardless?: boolean
  /** Where a screen reader needs more than the label, which the rest of the row tells to who sees. */
  readonly about?: string
}

export function button(what: Button): Html {
  return html`<button type="submit" class="${what.kind ?? 'primary'}"${attribute('name', what.name)}${attribute('value', what.value)}${flag('formnovalidate', what.regardless)}>${what.label}${what.about !== undefined && html`<span class="hidden"> ${what.about}</span>`}</button>`
}

/** A form that is posted back to us, with its proof of being ours. */
export interface Form {
  readonly action: string
  /** Of `csrfToken`. */
  readonly csrf: string
  readonly children: Child
  readonly className?: string
}

export function form(what: Form): Html {
  return html`<form method="post" action="${what.action}"${attribute('class', what.className)}>
${hidden('csrf', what.csrf)}
${what.children}
</form>`
}

/** Something that just happened. A refusal is an alert, which is read out; good news is a status. */
export function notice(kind: 'refused' | 'done' | 'note', children: Child): Html {
  const role = kind === 'refused' ? 'alert' : kind === 'done' ? 'status' : undefined
  return html`<div class="notice ${kind}"${attribute('role', role)}>${children}</div>`
}

/** A link that looks like a button of second rank. */
export function linkButton(href: string, label: Child): Html {
  return html`<a class="button" href="${href}">${label}</a>`
}
