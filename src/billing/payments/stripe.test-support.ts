import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

type Thing = Record<string, unknown> & { id: string }

/** One call, as Stripe's server sees it. */
export interface StripeCall {
  readonly method: string
  readonly path: string
  readonly key: string | undefined
  readonly form: Readonly<Record<string, string>>
}

/**
 * Answers in the shapes that Stripe's API documents for what we call: customers, invoices, invoice items,
 * idempotency keys, errors. It listens on this machine; nothing of a test leaves it.
 */
export class StripeServer {
  readonly calls: StripeCall[] = []
  readonly invoices = new Map<string, Thing>()
  /** What is answered instead, once each. `lost`: it is done, and nobody hears of it. */
  readonly troubles: ({ readonly status: number; readonly type: string } | 'lost')[] = []
  readonly #answers = new Map<string, Thing>()
  #port = 0

  static async open(t: TestContext): Promise<StripeServer> {
    const stripe = new StripeServer()
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        const key = request.headers['idempotency-key']
        stripe.#answer(
          {
            method: request.method ?? '',
            path: new URL(request.url ?? '/', 'http://x').pathname,
            key: typeof key === 'string' ? key : undefined,
            form: Object.fromEntries(new URLSearchParams(body)),
          },
          response,
        )
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    stripe.#port = (server.address() as AddressInfo).port
    t.after(() => server.close())
    return stripe
  }

  get server() {
    return { protocol: 'http', host: '127.0.0.1', port: this.#port } as const
  }

  #answer(call: StripeCall, response: ServerResponse): void {
    this.calls.push(call)
    const trouble = this.troubles.shift()
    if (trouble !== undefined && trouble !== 'lost') {
      const error = { type: trouble.type, message: 'no' }
      return send(response, trouble.status, { error })
    }
    const before = call.key === undefined ? undefined : this.#answers.get(call.key)
    const thing = before ?? this.#do(call)
    if (call.key !== undefined && thing !== undefined) this.#answers.set(call.key, thing)
    if (trouble === 'lost') return void response.destroy()
    if (thing === undefined) {
      return send(response, 404, { error: { type: 'invalid_request_error', message: 'none' } })
    }
    send(response, 200, thing)
  }

  #do({ method, path, form }: StripeCall): Thing | undefined {
    const id = randomUUID().slice(0, 8)
    if (path === '/v1/customers') return { id: `cus_${id}`, object: 'customer' }
    if (path === '/v1/invoices' && method === 'POST') {
      const { currency } = form
      const invoice = { id: `in_${id}`, object: 'invoice', status: 'draft', total: 0, currency }
      this.invoices.set(invoice.id, invoice)
      return { ...invoice }
    }
    if (path === '/v1/invoiceitems') {
      const invoice = this.invoices.get(form['invoice'] ?? '')
      if (invoice === undefined) return undefined
      invoice['total'] = Number(invoice['total']) + Number(form['amount'])
      return { id: `ii_${id}`, object: 'invoiceitem', amount: Number(form['amount']) }
    }
    const [, of = '', act] = /^\/v1\/invoices\/(\w+)(?:\/(\w+))?$/.exec(path) ?? []
    const invoice = this.invoices.get(of)
    if (invoice === undefined) return undefined
    if (act === 'finalize') invoice['status'] = 'open'
    if (act === 'void') invoice['status'] = 'void'
    return { ...invoice }
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
