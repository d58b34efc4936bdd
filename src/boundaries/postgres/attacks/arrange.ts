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
