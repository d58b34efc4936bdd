/** What the script uses of a browser. It is served as it stands here, without its types. */
interface Element {
  hidden: boolean
  disabled: boolean
  value: string
  textContent: string | null
  readonly dataset: Readonly<Record<string, string | undefined>>
  querySelector(selector: string): Element | null
  addEventListener(event: string, listener: (event: { preventDefault(): void }) => void): void
  submit(): void
}

interface Browser {
  readonly document: { querySelectorAll(selector: string): Iterable<Element> }
  readonly navigator: {
    readonly credentials?: {
      get(options: { publicKey: unknown }): Promise<Credential | null>
      create(options: { publicKey: unknown }): Promise<Credential | null>
    }
  }
  readonly PublicKeyCredential?: unknown
  atob(text: string): string
  btoa(text: string): string
}

interface Credential {
  readonly id: string
  readonly rawId: ArrayBuffer
  readonly type: string
  readonly authenticatorAttachment: string | null
  readonly response: Readonly<Record<string, unknown>> & { getTransports?(): string[] }
  getClientExtensionResults(): unknown
}

interface Options {
  readonly challenge: string
  readonly user?: { readonly id: string }
  readonly allowCredentials?: readonly Named[]
  readonly excludeCredentials?: readonly Named[]
}

interface Named {
  readonly id: string
}

/** The source of the script: the function below, called on the page that loads it. */
export function passkeyScript(): string {
  return `(${String(passkeys)})(window)`
}

/**
 * Takes over the forms with `data-passkey`: asks the authenticator, puts its answer in the field
 * `response` and sends the form as any other. Where there are no passkeys the forms stay hidden.
 */
function passkeys(browser: Browser): void {
  const bytes = (text: string) =>
    Uint8Array.from(browser.atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) =>
      letter.charCodeAt(0),
    )
  const text = (buffer: unknown) =>
    browser
      .btoa(String.fromCharCode(...new Uint8Array(buffer as ArrayBuffer)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '')
  const named = (list: readonly Named[] | undefined) =>
    list?.map((one) => ({ ...one, id: bytes(one.id) }))

  const answer = (credential: Credential) => {
    const response: Record<string, unknown> = {}
    for (const part of [
      'clientDataJSON',
      'attestationObject',
      'authenticatorData',
      'signature',
      'userHandle',
    ]) {
      const value = credential.response[part]
      if (value) response[part] = text(value)
    }
    const transports = credential.response.getTransports?.()
    if (transports) response['transports'] = transports
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    })
  }

  const ask = async (form: Element) => {
    const options = JSON.parse(form.dataset['options'] ?? '{}') as Options
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
      allowCredentials: named(options.allowCredentials),
      excludeCredentials: named(options.excludeCredentials),
    }
    const credentials = browser.navigator.credentials
    const create = form.dataset['passkey'] === 'create'
    const credential = await (create
      ? credentials?.create({ publicKey })
      : credentials?.get({ publicKey }))
    if (!credential) throw new Error('no passkey')
    return answer(credential)
  }

  for (const form of browser.document.querySelectorAll('form[data-passkey]')) {
    const [field, press, trouble] = ['[name=response]', 'button', '[role=alert]'].map((selector) =>
      form.querySelector(selector),
    )
    if (!browser.PublicKeyCredential || !field || !press || !trouble) continue
    form.hidden = false
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      press.disabled = true
      trouble.textContent = ''
      ask(form)
        .then((response) => {
          field.value = response
          form.submit()
        })
        .catch(() => {
          press.disabled = false
          trouble.textContent = form.dataset['trouble'] ?? ''
        })
    })
  }
}
