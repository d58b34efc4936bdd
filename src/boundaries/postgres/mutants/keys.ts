import { type PostgresMutant, sqlMutant } from './postgres-mutant.ts'

/** Keys, defaults and columns that forget the tenant. */
export const KEY_MUTANTS: readonly PostgresMutant[] = [
  sqlMutant(
    { id: 'pg-unique-title', title: 'A unique key without the tenant' },
    () => 'create unique index note_title_once on ground.note (title)',
  ),
  sqlMutant(
    {
      id: 'pg-foreign-key-id',
      title: 'A foreign key to an id alone',
    },
    () => `create unique index note_id_once on ground.note (id);
      alter table ground.reply drop constraint reply_tenant_id_note_id_fkey;
      alter table ground.reply add foreign key (note_id) references ground.note (id) on delete cascade`,
  ),
  sqlMutant(
    {
      id: 'pg-exclusion-room',
      title: 'An exclusion constraint without the tenant',
    },
    () => `update ground.booking b set room = n.room
        from (select id, 100 + row_number() over (order by id) as room from ground.booking) n where n.id = b.id;
      alter table ground.booking drop constraint booking_room_once;
      alter table ground.booking add constraint booking_room_once exclude using btree (room with =)`,
  ),
  sqlMutant(
    { id: 'pg-index-body', title: 'An index that the tenant does not lead' },
    () => 'create index note_by_title on ground.note (title)',
  ),
  sqlMutant(
    { id: 'pg-tenant-nullable', title: 'A tenant column that may be NULL' },
    () => 'alter table ground.note_history alter tenant_id drop not null',
  ),
  sqlMutant(
    {
      id: 'pg-default-dropped',
      title: 'The default of the tenant column dropped',
    },
    () => 'alter table ground.booking alter tenant_id drop default',
  ),
]
