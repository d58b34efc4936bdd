import type { Finding } from '../../core/finding.ts'
import { GATEWAY_CHECKS } from '../../gateway/checks.ts'
import { VENDING_CHECKS } from '../../vending/checks.ts'
import type { Door } from '../house/door.ts'
import { inspectConfiguration } from './configuration-rules.ts'
import { inspectJournal } from './journal-rule.ts'

/** Reads the present state of a front door and changes nothing. */
export async function inspectDoor(door: Door): Promise<readonly Finding[]> {
  const { gatewayChecks, vendingChecks, following } = door.house.pieces
  // Vending makes its journal's directory when it starts.
  await door.vending()
  return [
    ...missingChecks('gateway', GATEWAY_CHECKS, gatewayChecks),
    ...missingChecks('vending', VENDING_CHECKS, vendingChecks),
    ...inspectConfiguration(door.current(), following.staleAfterSeconds),
    ...(await inspectJournal(door.journalDirectory)),
  ]
}

function missingChecks(
  plane: string,
  all: readonly { readonly name: string }[],
  present: readonly { readonly name: string }[],
): readonly Finding[] {
  const names = new Set(present.map(({ name }) => name))
  return all
    .filter(({ name }) => !names.has(name))
    .map(({ name }) => ({
      rule: 'fd-check-missing',
      severity: 'critical',
      object: `${plane} ${name}`,
      explanation: `The ${plane} runs without this check. What it keeps out gets in.`,
      fix: undefined,
    }))
}
