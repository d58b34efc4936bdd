/**
 * Networks that no gateway is to serve for a while: detectors enter them by the one function and lift them
 * by the other, and whoever may call these can do nothing else here.
 */
export const ADDRESS_BLOCKS_MIGRATION = `
  create table registry.address_block (
    network text primary key check (
      network ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}$' or network ~ '^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){3}::/64$'),
    until timestamptz not null,
    reason text not null check (length(reason) between 1 and 500),
    entered_at timestamptz not null default clock_timestamp()
  );
  create index address_block_until on registry.address_block (until);
  create function registry.enter_address_block(network text, until timestamptz, reason text)
    returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      -- It is an address as well, and the end is near.
      perform network::cidr;
      if until > clock_timestamp() + interval '1 day' then
        raise exception 'longer than a day' using errcode = '22023';
      end if;
      delete from registry.address_block as block where block.until < clock_timestamp();
      if (select count(*) from registry.address_block) >= 500 then
        raise exception 'too many networks are blocked' using errcode = '54000';
      end if;
      insert into registry.address_block as block (network, until, reason)
        values (network, until, reason)
        on conflict on constraint address_block_pkey do update
          set until = greatest(block.until, excluded.until), reason = excluded.reason;
    end $$;
  create function registry.lift_address_block(network text)
    returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
      delete from registry.address_block as block where block.network = $1
    $$;
`

/** What the records plane may do of it, as statements of an administrator. */
export function addressBlockGrants(role: string): readonly string[] {
  return [
    `revoke all on function registry.enter_address_block, registry.lift_address_block from public`,
    `grant usage on schema registry to ${role}`,
    `grant execute on function registry.enter_address_block(text, timestamptz, text) to ${role}`,
    `grant execute on function registry.lift_address_block(text) to ${role}`,
  ]
}
