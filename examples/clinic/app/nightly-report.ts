import { Ringfence, RingfenceError } from '../../../src/sdk/index.ts'
import { siteNumbers } from './site-numbers.ts'

/**
 * The nightly report: `node app/nightly-report.ts` prints a line for each customer, which is what goes
 * into its manager's mail. It has no user: it works on job contexts, one for each tenant.
 */
async function main(): Promise<number> {
  const ringfence = Ringfence.fromEnvironment()
  try {
    const report = await ringfence.forEachTenant(
      { job: 'nightly-report', reason: 'the mail of every morning', scopes: ['read'] },
      (db) => siteNumbers(db),
      {
        onOutcome(outcome) {
          if (outcome.state === 'done') {
            const { appointments, sites } = outcome.value
            process.stdout.write(
              `${outcome.tenant}: ${appointments} appointments at ${sites.length} sites\n`,
            )
          } else process.stderr.write(`${outcome.tenant}: no report\n`)
        },
      },
    )
    return report.done === report.outcomes.length ? 0 : 1
  } finally {
    await ringfence.close()
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof RingfenceError)) throw error
  process.stderr.write(`clinic: ${error.message}\n`)
  process.exitCode = 2
}
