import { createServer } from 'node:http'
import type { AuthorizerOptions } from '../../external-authorization/authorizer.ts'
import { nginxAnswer } from '../../external-authorization/nginx-answer.ts'
import { nginxQuestion } from '../../external-authorization/nginx-question.ts'
import { PROXY_CHECKS } from '../../external-authorization/proxy-checks.ts'
import { UsageSeal } from '../../external-authorization/usage-seal.ts'
import { flat, type Headers, headersOf } from '../../gateway/headers.ts'
import { listenWith } from '../../http/listen.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

/** An authorizer that believes whoever asks, by what it makes of the fields. */
function believing(fieldsOf: (fields: Headers) => Headers) {
  return ({ decide, listen, secret }: AuthorizerOptions) => {
    const seal = new UsageSeal(secret)
    const server = createServer((request, response) => {
      request.resume()
      const rawHeaders = flat(fieldsOf(headersOf(request.rawHeaders)))
      const question = () => nginxQuestion({ rawHeaders })
      void (async () => {
        const decision = await decide({ ...question(), also: PROXY_CHECKS })
        const { status, headers } = nginxAnswer(decision, 'http', false, seal)
        response.writeHead(status, ['content-length', '0', ...flat(headers)]).end()
      })().catch(() => response.writeHead(400, { 'content-length': '0' }).end())
    })
    return listenWith(server, listen)
  }
}

/** Of several fields of one name the last. */
const lastOfName = (fields: Headers): Headers => [...new Map(fields)]

/** Which attack gets through when a check of the authorizer's own is gone. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'no-upgrade-by-proxy': 'fd-proxy-upgrade',
  'no-endpoint-by-proxy': 'fd-proxy-endpoint',
  'path-below-the-tenants': 'fd-proxy-short-path',
  'upstream-of-the-platform': 'fd-proxy-own-upstream',
  'upstream-of-one-kind': 'fd-proxy-shards',
  'limits-to-the-end': 'fd-proxy-limits',
  'bodies-as-they-are': 'fd-proxy-guardrails',
}

/** Another proxy is told to pass on what it should not, or by somebody who is none. */
export const AUTHORIZER_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-proxy-anybody',
    'Whoever reaches the authorizer is taken for a proxy of ours',
    ['fd-proxy-without-secret'],
    () => ({ openAuthorizer: believing((fields) => fields) }),
  ),
  mutant(
    'fd-proxy-last-field',
    'Of what a proxy says twice the last is believed',
    ['fd-proxy-address'],
    () => ({ openAuthorizer: believing(lastOfName) }),
  ),
  ...PROXY_CHECKS.map(({ name }) =>
    mutant(
      `fd-proxy-without-${name}`,
      `The authorizer's check ${name} left out`,
      [LEFT_OUT[name] ?? name],
      ({ openAuthorizer }) => ({
        openAuthorizer: (options) =>
          openAuthorizer({
            ...options,
            decide: (question) =>
              options.decide({
                ...question,
                also: question.also.filter((check) => check.name !== name),
              }),
          }),
      }),
    ),
  ),
]
