/**
 * The tables of schema `snapshot` in the control database, as numbered steps: the first is number 1.
 * The schema itself and the grants are made by whoever runs them: control writes, vending and the
 * gateway read. Nothing here is secret.
 */
export const SNAPSHOT_MIGRATIONS: readonly string[] = [
  `create table snapshot.head (
     one boolean primary key default true check (one),
     version bigint not null,
     hash text not null,
     platform json,
     confirmation text
   );
   insert into snapshot.head (version, hash) values (0, '');
   create table snapshot.change (
     version bigint primary key,
     text text not null
   );
   create table snapshot.base (
     version bigint primary key,
     text text not null
   );
   create table snapshot.base_part (
     version bigint not null references snapshot.base (version) on delete cascade,
     number int not null,
     text text not null,
     primary key (version, number)
   );
   create table snapshot.tenant (
     id text collate "C" primary key,
     config json not null
   );
   create table snapshot.host (
     host text collate "C" primary key,
     tenant text collate "C" not null references snapshot.tenant (id) on delete cascade
   );
   create index on snapshot.host (tenant)`,
  // For whoever issues tokens under grants, and may read nothing else here.
  `create function snapshot.grant_of(tenant text, grant_id text) returns json
     language sql stable security definer set search_path = '' as $$
       select entry from snapshot.tenant as published,
              json_array_elements(published.config -> 'grants') as entry
        where published.id = $1 and published.config ->> 'status' <> 'suspended'
          and entry ->> 'id' = $2
     $$`,
  // For whoever issues tokens for the tools at a tenant's own host.
  `create function snapshot.hosts_of(tenant text) returns setof text
     language sql stable security definer set search_path = '' as $$
       select named.host from snapshot.host as named where named.tenant = $1
     $$`,
]
