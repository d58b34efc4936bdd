import { createServer } from 'node:http'
import type { AuthorizerOptions } from '../../external-authorization/authorizer.ts'
import { nginxAnswer } from '../../external-authorization/nginx-answer.ts'
import { nginxQuestion } from '../../external-authorization/nginx-question.ts'
import { PROXY_CHECKS } from '../../external-authorization/proxy-checks.ts'
import { readProxyLine } from '../../external-authorization/proxy-line.ts'
import { USAGE_FIELD, usedSchema, UsageSeal } from '../../external-authorization/usage-seal.ts'
import { flat, type Headers, headersOf, valueOf } from '../../gateway/headers.ts'
import { listenWith } from '../../http/listen.ts'
import { PROXIES } from '../house/pieces.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

/**
 * An authorizer that believes whoever asks, by what it makes of the fields.
 * @param usageOf what it takes for what is metered, besides what was decided
 */
function believing(
  fieldsOf: (fields: Headers) => Headers,
  usageOf: (fields: Headers) => string | undefined = () => undefined,
) {
  return ({ decide, listen, secret }: AuthorizerOptions) => {
    const seal = new UsageSeal(secret)
    const server = createServer((request, response) => {
      request.resume()
      const fields = headersOf(request.rawHeaders)
      const rawHeaders = flat(fieldsOf(fields))
      const question = () => nginxQuestion({ rawHeaders })
      void (async () => {
        const decision = await decide({ ...question(), also: PROXY_CHECKS })
        const { status, headers } = nginxAnswer(decision, 'http', false, seal)
        const usage = usageOf(fields)
        const said = headers.map(([name, value]): readonly [string, string] => [
          name,
          name === USAGE_FIELD ? (usage ?? value) : value,
        ])
        response.writeHead(status, ['content-length', '0', ...flat(said)]).end()
      })().catch(() => response.writeHead(400, { 'content-length': '0' }).end())
    })
    return listenWith(server, listen)
  }
}

/** What is sealed, without a look at the seal. */
function unsealed(text: string) {
  const said = Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()
  return said === '' ? undefined : usedSchema.parse(JSON.parse(said))
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
  mutant(
    'fd-proxy-usage-of-caller',
    'What is metered of a request its caller says, where it says something',
    ['fd-proxy-usage-field'],
    () => ({
      openAuthorizer: believing(
        (fields) => fields,
        (fields) => valueOf(fields, USAGE_FIELD),
      ),
    }),
  ),
  mutant(
    'fd-proxy-usage-unsealed',
    "A line of a proxy's log is believed, whoever has said what is in it",
    ['fd-proxy-usage-line'],
    () => ({ proxyLines: () => (line) => readProxyLine(line, PROXIES, { open: unsealed }) }),
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
