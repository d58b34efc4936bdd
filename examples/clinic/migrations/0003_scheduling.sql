create table clinic.appointment (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  patient_id uuid not null,
  clinician_id uuid not null,
  site_id uuid not null,
  starts_at timestamptz not null,
  duration_minutes integer not null default 20 check (duration_minutes between 5 and 480),
  status text not null default 'booked'
    check (status in ('booked', 'arrived', 'completed', 'no_show', 'cancelled')),
  kind text not null
    check (kind in ('new_patient', 'follow_up', 'procedure', 'telehealth', 'vaccination')),
  reason text not null default '',
  icd_code text references clinic.icd_code (code),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, patient_id) references clinic.patient (tenant_id, id),
  foreign key (tenant_id, clinician_id) references clinic.clinician (tenant_id, id),
  foreign key (tenant_id, site_id) references clinic.clinic_site (tenant_id, id)
);

-- Nobody is in two rooms at once; a cancelled slot can be given away again.
create unique index appointment_slot on clinic.appointment (tenant_id, clinician_id, starts_at)
  where status in ('booked', 'arrived', 'completed');
create index appointment_by_time on clinic.appointment (tenant_id, starts_at);
create index appointment_by_patient on clinic.appointment (tenant_id, patient_id, starts_at);

create view clinic.upcoming_appointment with (security_invoker = true) as
  select a.tenant_id, a.id, a.starts_at, a.duration_minutes, a.kind, a.reason,
         a.patient_id, p.given_name, p.family_name,
         clinic.age_in_years(p.birth_date) as patient_age,
         c.full_name as clinician, s.name as site
    from clinic.appointment a
    join clinic.patient p on p.tenant_id = a.tenant_id and p.id = a.patient_id
    join clinic.clinician c on c.tenant_id = a.tenant_id and c.id = a.clinician_id
    join clinic.clinic_site s on s.tenant_id = a.tenant_id and s.id = a.site_id
   where a.status = 'booked' and a.starts_at >= now();
