import { type Duel, must } from './postgres-attack.ts'

/** Runs SQL as the administrator without the application's triggers, and past the guard rails. */
export async function arrangeQuietly(duel: Duel, statements: readonly string[]): Promise<void> {
  const admin = await duel.asAdmin()
  await admin.run('set session_replication_role = replica')
  for (const sql of statements) {
    const { error } = await admin.run(sql)
    must(error === undefined, `prepare the attack: ${error}`)
  }
  await admin.close()
}

/**
 * Runs DDL as the administrator the way that a migration would. Where the guard rails refuse it, as
 * they do on a copy that is already too wide, it is run past them.
 */
export async function arrange(duel: Duel, statements: readonly string[]): Promise<void> {
  const admin = await duel.asAdmin()
  const { error } = await admin.run(`begin; ${statements.join('; ')}; commit`)
  if (error === undefined) return
  await admin.run('rollback')
  await arrangeQuietly(duel, statements)
}
