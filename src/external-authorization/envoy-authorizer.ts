import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { loadPackageDefinition, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Listen, Listening } from '../http/listen.ts'
import { envoyAnswer, type CheckResponse } from './envoy-answer.ts'
import { checksFor } from './envoy-checks.ts'
import { envoyQuestion } from './envoy-question.ts'
import { ProxySecret, SECRET_FIELD } from './proxy-secret.ts'
import { UsageSeal } from './usage-seal.ts'

export const EXT_AUTHZ_PROTO = join(import.meta.dirname, 'ext-authz.proto')

export interface EnvoyAuthorizerOptions {
  /** Of the gateway whose checks, limits and memory of tokens it shares. */
  readonly decide: Gateway['decide']
  /** Where only proxies of ours come. */
  readonly listen: Listen
  /** Envoy says it in `initial_metadata`, as `ringfence-proxy-secret`. */
  readonly secret: string
  /** How callers reach the proxies. Default `http`. */
  readonly publicProtocol?: 'http' | 'https'
}

const MESSAGE_BYTES_MAX = 256 * 1024

/**
 * Answers Envoy's `ext_authz` over gRPC. Whoever has not the secret gets no answer but an error, which
 * Envoy takes for a refusal unless it was told to let through (`failure_mode_allow`).
 * @throws RingfenceError `port_taken`, `invalid_argument` for a bad secret
 */
export async function openEnvoyAuthorizer(options: EnvoyAuthorizerOptions): Promise<Listening> {
  const { decide, listen, publicProtocol = 'http' } = options
  const secret = new ProxySecret(options.secret)
  const seal = new UsageSeal(options.secret)

  async function check(call: ServerUnaryCall<unknown, CheckResponse>): Promise<CheckResponse> {
    const presented = call.metadata.get(SECRET_FIELD).map(String)
    if (!secret.opens(presented)) throw new RingfenceError('invalid_argument', 'no proxy of ours')
    const question = envoyQuestion(call.request)
    const decision = await decide({ ...question, also: checksFor(question) })
    return envoyAnswer(decision, question.requestId, publicProtocol, seal)
  }

  const server = new Server({ 'grpc.max_receive_message_length': MESSAGE_BYTES_MAX })
  server.addService(authorizationService(), {
    Check(call: ServerUnaryCall<unknown, CheckResponse>, done: sendUnaryData<CheckResponse>) {
      check(call).then(
        (answer) => done(null, answer),
        () => done({ code: status.PERMISSION_DENIED, details: 'not answered' }),
      )
    },
  })
  const place = 'socket' in listen ? `unix:${listen.socket}` : `${listen.host}:${listen.port}`
  if ('socket' in listen) await rm(listen.socket, { force: true })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(place, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(new RingfenceError('port_taken', `cannot listen: ${messageOf(error)}`))
    })
  })
  if ('socket' in listen) await chmod(listen.socket, 0o600)
  return {
    url: 'socket' in listen ? `unix:${listen.socket}` : `http://${listen.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve())
      }),
  }
}

function authorizationService() {
  const loaded = loadPackageDefinition(
    loadSync(EXT_AUTHZ_PROTO, { keepCase: true, defaults: true, longs: Number }),
  )
  const names = ['envoy', 'service', 'auth', 'v3', 'Authorization']
  let found: unknown = loaded
  for (const name of names) found = (found as Readonly<Record<string, unknown>>)[name]
  return (found as { readonly service: Parameters<Server['addService']>[0] }).service
}
