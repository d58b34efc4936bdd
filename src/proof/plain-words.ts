import type { ProofReport, ProofVerdict } from './proof-report.ts'

/** `1 strike`, `2 strikes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

/** `a, b and c`. */
export function listed(items: readonly string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(items)
}

/** `2 min 41 s`, `0.8 s`. */
export function lasting(milliseconds: number): string {
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `21 November 2026 at 09:00 UTC`. */
export function moment(iso: string): string {
  const date = new Date(iso)
  const day = date.toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
  return `${day} at ${iso.slice(11, 16)} UTC`
}

/** The verdict as a headline and a sentence, for people who read nothing else. */
export function headline(report: ProofReport): { readonly title: string; readonly text: string } {
  const { counts, selection } = report
  const denied =
    counts.limit === 0
      ? 'Every try of one tenant to reach another was denied by the boundary itself.'
      : 'Every try of one tenant to reach another was denied by the boundary itself, or met a limit that is stated below.'
  const noticed = selection.mutants
    ? 'Every deliberate weakening of a copy was noticed.'
    : 'No weakening was tried, so nothing shows that this proof can fail.'
  const leaked =
    counts.leaked > 0
      ? `${counts.leaked} of ${counted(counts.strikes, 'try', 'tries')} by one tenant reached another.`
      : `No try reached another tenant, but the engine is wider than promised in ${counted(counts.findings, 'place')}.`
  const words: Readonly<Record<ProofVerdict, readonly [string, string]>> = {
    proven: ['Isolation is proven', `${denied} ${noticed}`],
    leak: ['The boundary leaks', leaked],
    unnoticed: [
      'The proof is blind to a weakening',
      `${counted(counts.unnoticed, 'deliberate weakening')} went unnoticed, so this proof could not tell if it happened in earnest.`,
    ],
    void: [
      'Nothing is proven: this run is void',
      'Something that has to be shown before a denial means anything could not be shown. This is not a pass.',
    ],
  }
  const [title, text] = words[report.verdict]
  const narrowed = selection.only.length > 0 ? ' This run was narrowed to a selection.' : ''
  return { title, text: `${text}${narrowed}` }
}
