/**
 * Who stands behind a token, when it was last used, approvals of guarded acts beside those of
 * workflows, and which people could be a second person.
 */
export const OPERATORS_MIGRATION = `
  -- No statement at all makes a tenant of the operators' realm.
  alter table registry.tenant add constraint tenant_not_operators
    check (id <> 'ringfence-operators');
  alter table registry.operator
    -- A subject of the operators' realm.
    add column owner text,
    add column last_used_at timestamptz;
  alter table registry.approval
    alter column workflow drop not null,
    alter column tenant drop not null,
    -- Of a guarded act: what exactly is approved, in a digest and in words.
    add column digest bytea check (length(digest) = 32),
    add column subject text,
    add column summary text,
    add column requested_person text,
    add column decided_person text,
    -- An approval is good for the act once.
    add column used_at timestamptz,
    add constraint approval_of_one check ((workflow is null) = (digest is not null)),
    add constraint approval_by_another_person check (
      decided_person is null or requested_person is null or decided_person <> requested_person);
  create index approval_of_act on registry.approval (digest, seq) where digest is not null;
  -- People with two factors and a role that decides, who were here.
  create table registry.approver_seen (
    person text primary key,
    at timestamptz not null default clock_timestamp()
  );
  insert into registry.setting values ('four-eyes', 'null');
`

/**
 * Of an approved act that is carried out elsewhere, the call that does it: after a failure its repeat
 * goes on with the approval that it has, and no other call does.
 */
export const APPROVAL_IN_USE_MIGRATION = `
  alter table registry.approval
    add column used_for text,
    add constraint approval_used_for_one check (used_for is null or used_at is not null);
`
