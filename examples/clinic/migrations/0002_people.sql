-- Sites, the people who work there, the people who come there, and who pays.

create function clinic.age_in_years(born date) returns integer
  language sql stable parallel safe
  as $$ select extract(year from age(current_date, born))::integer $$;

create table clinic.clinic_site (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  name text not null,
  city text not null,
  time_zone text not null,
  phone text not null,
  opened_on date not null,
  primary key (tenant_id, id),
  unique (tenant_id, name)
);

create table clinic.clinician (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  site_id uuid not null,
  full_name text not null,
  specialty text not null,
  email text not null,
  email_lc text generated always as (lower(email)) stored,
  phone text not null,
  active boolean not null default true,
  primary key (tenant_id, id),
  unique (tenant_id, email_lc),
  foreign key (tenant_id, site_id) references clinic.clinic_site (tenant_id, id)
);

create index clinician_by_site on clinic.clinician (tenant_id, site_id);

create table clinic.patient (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  mrn text not null, -- medical record number
  given_name text not null,
  family_name text not null,
  birth_date date not null,
  sex text not null check (sex in ('female', 'male', 'other', 'unknown')),
  language text not null default 'en',
  phone text,
  email text,
  email_lc text generated always as (lower(email)) stored,
  home_site_id uuid,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, mrn),
  foreign key (tenant_id, home_site_id) references clinic.clinic_site (tenant_id, id)
);

create index patient_by_name on clinic.patient (tenant_id, family_name, given_name);
create index patient_by_email on clinic.patient (tenant_id, email_lc);

create table clinic.insurance_policy (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  patient_id uuid not null,
  payer text not null,
  member_number text not null,
  copay_cents bigint not null default 0 check (copay_cents >= 0),
  valid_from date not null,
  valid_to date check (valid_to > valid_from),
  primary key (tenant_id, id),
  unique (tenant_id, payer, member_number),
  foreign key (tenant_id, patient_id) references clinic.patient (tenant_id, id)
);

create index insurance_policy_by_patient on clinic.insurance_policy (tenant_id, patient_id);
