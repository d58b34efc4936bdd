/**
 * What the intake keeps in schema `records`, as numbered steps with a table of their own
 * (`intake_migration`): how far each source has come, and lines that no log could take. Those are never
 * thrown away: somebody has to look at them.
 */
export const INTAKE_MIGRATIONS: readonly string[] = [
  `create table records.intake_source (
     source text primary key check (length(source) between 1 and 120),
     complete_to timestamptz,
     seen_at timestamptz not null default clock_timestamp()
   );

   create table records.intake_quarantine (
     digest bytea primary key,
     at timestamptz not null default clock_timestamp(),
     source text not null,
     reason text not null,
     line text not null
   );
   create index intake_quarantine_by_time on records.intake_quarantine (at)`,
]
