/**
 * By which connection somebody has signed in: what came of it ends with the connection. Kept as long as
 * anything that came of the sign-in can live, also when the session itself is forgotten.
 */
export const FEDERATION_SESSIONS_MIGRATION = `
  -- Which connection has shown who it is. Null: nobody but the realm itself.
  alter table identity.sign_in_attempt add column connection text;
  create index sign_in_attempt_by_connection on identity.sign_in_attempt (tenant, connection)
    where connection is not null;
  create table identity.federation_session (
    tenant text not null,
    connection text not null,
    session text not null,
    subject text not null,
    signed_in_at timestamptz not null default now(),
    primary key (tenant, connection, session),
    foreign key (tenant, connection) references identity.federation_connection on delete cascade
  );
  create index federation_session_by_sign_in on identity.federation_session (signed_in_at);
`
