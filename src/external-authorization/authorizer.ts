import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { RingfenceError } from '../core/errors.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { flat, headersOf, valuesOf } from '../gateway/headers.ts'
import { type Listen, type Listening, listenWith } from '../http/listen.ts'
import { checksFor } from './envoy-checks.ts'
import { envoyHttpAnswer } from './envoy-http-answer.ts'
import { asksAsEnvoy, envoyHttpQuestion } from './envoy-http-question.ts'
import { nginxAnswer } from './nginx-answer.ts'
import { nginxQuestion } from './nginx-question.ts'
import { fieldsAsDecided, passedFields } from './passed-fields.ts'
import { PROXY_CHECKS } from './proxy-checks.ts'
import { ProxySecret, SECRET_FIELD } from './proxy-secret.ts'
import { UsageSeal } from './usage-seal.ts'

export const NGINX_PATH = '/nginx'
export interface AuthorizerOptions {
  /** Of the gateway whose checks, limits and memory of tokens it shares. */
  readonly decide: Gateway['decide']
  /** Where only proxies of ours come. */
  readonly listen: Listen
  /** 32 characters at least, known to the proxies alone. */
  readonly secret: string
  /** How callers reach the proxies. Default `http`. */
  readonly publicProtocol?: 'http' | 'https'
  /** Whether nginx may use a decision again, for the rest of the second. Default false. */
  readonly remembered?: boolean
  /** Fields that nginx passes on besides the usual ones: the same as in its configuration. */
  readonly fields?: readonly string[]
}

/** Longer than proxies keep connections that nothing comes by, so that it is they who close them. */
const KEEP_ALIVE_MS = 75_000
const NOTHING = { 'content-length': '0', 'cache-control': 'no-store' }
/** A caller's whole header, and what nginx says of it. */
const HEADER_BYTES_MAX = 96 * 1024

/**
 * Answers proxies' questions over HTTP. Everything that it is asked without the secret, or in a form in
 * which the proxies do not ask, is answered 400 to nginx and 503 to Envoy, which they take for trouble:
 * they let nobody through.
 * @throws RingfenceError as `listenWith`; `invalid_argument` for a bad secret or fields
 */
export async function openAuthorizer(options: AuthorizerOptions): Promise<Listening> {
  const secret = new ProxySecret(options.secret)
  const passed = passedFields(options.fields)
  const forNginx = [...PROXY_CHECKS, fieldsAsDecided(passed)]
  const { decide, publicProtocol = 'http', remembered = false } = options
  const seal = new UsageSeal(options.secret)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!secret.opens(valuesOf(headersOf(request.rawHeaders), SECRET_FIELD))) {
      throw new RingfenceError('invalid_argument', 'not a proxy of ours')
    }
    if (asksAsEnvoy(request)) return answerEnvoy(request, response)
    if (request.url !== NGINX_PATH) {
      throw new RingfenceError('invalid_argument', 'nothing is asked here')
    }
    const decision = await decide({ ...nginxQuestion(request), also: forNginx })
    const { status, headers } = nginxAnswer(decision, publicProtocol, remembered, seal)
    response.writeHead(status, ['content-length', '0', ...flat(headers)])
    response.end()
  }

  async function answerEnvoy(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const question = envoyHttpQuestion(request)
    const decision = await decide({ ...question, also: checksFor(question) })
    const { requestId } = question
    const { status, headers, body } = envoyHttpAnswer(decision, requestId, publicProtocol, seal)
    const length = String(Buffer.byteLength(body))
    response.writeHead(status, ['content-length', length, ...flat(headers)])
    // To HEAD nobody sends a body.
    response.end(body)
  }

  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, keepAliveTimeout: KEEP_ALIVE_MS, insecureHTTPParser: false },
    (request, response) => {
      // Nobody sends it one.
      request.resume()
      answer(request, response).catch(() => {
        if (response.headersSent) response.destroy()
        else response.writeHead(asksAsEnvoy(request) ? 503 : 400, NOTHING).end()
      })
    },
  )
  return listenWith(server, options.listen)
}
