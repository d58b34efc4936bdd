import { setImmediate } from 'node:timers/promises'
import type { GatewayCheck } from '../../gateway/check.ts'
import { headersOf, valuesOf, withoutTrusted } from '../../gateway/headers.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** Fields that a service would believe, kept for a service that wants them. */
function passedOn(
  id: string,
  title: string,
  noticedBy: readonly string[],
  wanted: RegExp,
): FrontDoorMutant {
  const stripLess: GatewayCheck = {
    name: 'strip-trusted',
    run(exchange) {
      const kept = exchange.outgoing.filter(([name]) => wanted.test(name))
      exchange.outgoing = [...withoutTrusted(exchange.outgoing), ...kept]
    },
  }
  return mutant(id, title, noticedBy, ({ gatewayChecks }) => ({
    gatewayChecks: replaced(gatewayChecks, stripLess),
  }))
}

/** RFC 9110, section 6.5.1: trailers may be merged into the header, if it is known that they may. */
const mergeTrailers: GatewayCheck = {
  name: 'merge-trailers',
  async run(exchange) {
    const { request, incoming } = exchange
    if (request === undefined || valuesOf(incoming, 'trailer').length === 0) return
    while (!request.complete && !request.destroyed) await setImmediate()
    exchange.outgoing = [...exchange.outgoing, ...headersOf(request.rawTrailers)]
  },
}

/** What callers say reaches services that believe it. */
export const HEADER_MUTANTS: readonly FrontDoorMutant[] = [
  passedOn(
    'fd-passes-forwarded',
    'Fields of the proxies before the gateway passed on',
    ['fd-header-forwarded', 'fd-header-tenant'],
    /^x-(?:forwarded|original)-/,
  ),
  passedOn(
    'fd-passes-underscores',
    'Fields with underscores passed on, as if they were others than those with hyphens',
    ['fd-header-context', 'fd-header-tenant'],
    /_/,
  ),
  passedOn(
    'fd-passes-methods',
    'Fields that name another method passed on',
    ['fd-header-method-override'],
    /^x-(?:http-)?method(?:-override)?$/,
  ),
  mutant(
    'fd-passes-trailers',
    'Trailers taken for header fields, when those have been looked through',
    ['fd-header-trailers'],
    ({ gatewayChecks }) => ({ gatewayChecks: [...gatewayChecks, mergeTrailers] }),
  ),
]
