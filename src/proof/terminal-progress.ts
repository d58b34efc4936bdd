import { counted, lasting } from './plain-words.ts'
import type { PlannedTier, ProofEvent } from './proof-options.ts'
import { fitted, painted, type Terminal, type TerminalStyle } from './terminal-style.ts'

/** Milliseconds between two drawings of the progress line. */
const REDRAW_MILLISECONDS = 80
const CLEAR_LINE = '\r\u001b[2K'

export interface TerminalProgress {
  readonly onProgress: (event: ProofEvent) => void
  /** Takes the progress line away. Call it before anything else is printed, also after a failure. */
  readonly end: () => void
}

/**
 * Tells how a run goes on: on a terminal by one line that is drawn over, in a log by a line for each
 * tier's start, quarters and end. Leaks and unnoticed mutants get a line at once in both.
 */
export function terminalProgress(terminal: Terminal, style: TerminalStyle): TerminalProgress {
  const live = terminal.isTTY === true
  let planned: readonly PlannedTier[] = []
  let strikes = 0
  let mutants = 0
  let drawnAt = 0
  let quarter = 0

  const total = (what: 'strikes' | 'mutants') => planned.reduce((sum, tier) => sum + tier[what], 0)
  const status = () =>
    `${strikes}/${total('strikes')} strikes, ${mutants}/${total('mutants')} mutants`
  const say = (line: string) => terminal.write(`${live ? CLEAR_LINE : ''}${line}\n`)
  const draw = (now: string) => {
    if (live) {
      const at = performance.now()
      if (at - drawnAt < REDRAW_MILLISECONDS) return
      drawnAt = at
      terminal.write(CLEAR_LINE + fitted(`${status()}  ${now}`, style.width - 1).trimEnd())
      return
    }
    const share = (strikes + mutants) / Math.max(total('strikes') + total('mutants'), 1)
    if (Math.floor(share * 4) > quarter && share < 1) {
      quarter = Math.floor(share * 4)
      say(status())
    }
  }

  const onProgress = (event: ProofEvent) => {
    if (event.type === 'planned') {
      planned = event.tiers
      say(
        `proving ${counted(planned.length, 'rehearsal')}: ${counted(total('strikes'), 'strike')}, ${counted(total('mutants'), 'mutant')}`,
      )
    } else if (event.type === 'tier-started') {
      if (!live) say(`${event.engine} ${event.tier}: started`)
    } else if (event.type === 'strike') {
      strikes += 1
      const { attack, attacker, victim, verdict, outcome } = event.strike
      const what = `${event.engine} ${event.tier} ${attack}`
      if (verdict === 'leaked') {
        say(`${painted(style, 'red', '✗ leaked')} ${what} (${attacker} → ${victim}): ${outcome}`)
      } else if (verdict === 'void') {
        say(
          `${painted(style, 'magenta', '? not shown')} ${what} (${attacker} → ${victim}): ${outcome}`,
        )
      }
      draw(what)
    } else if (event.type === 'mutant') {
      mutants += 1
      const { id, status: ended, reason } = event.mutant
      const what = `${event.engine} ${event.tier} ${id}`
      if (ended === 'unnoticed') say(`${painted(style, 'red', '✗ unnoticed')} ${what}`)
      if (ended === 'void')
        say(`${painted(style, 'magenta', '? not tried')} ${what}: ${reason ?? ''}`)
      draw(what)
    } else {
      const { engine, tier, voidReasons, milliseconds } = event.report
      const done = counted(event.report.strikes.length, 'strike')
      const tried = counted(event.report.mutants.length, 'mutant')
      for (const reason of voidReasons) {
        say(`${painted(style, 'magenta', '? void')} ${engine} ${tier}: ${reason}`)
      }
      say(`${engine} ${tier}: ${done}, ${tried} in ${lasting(milliseconds)}`)
    }
  }
  return { onProgress, end: () => (live ? void terminal.write(CLEAR_LINE) : undefined) }
}
