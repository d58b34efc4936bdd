-- What patients tell us before they come, and what happened to each form.

create table clinic.intake_form (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  patient_id uuid not null,
  appointment_id uuid,
  status text not null default 'submitted' check (status in ('draft', 'submitted', 'reviewed')),
  answers jsonb not null default '{}' check (jsonb_typeof(answers) = 'object'),
  submitted_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, patient_id) references clinic.patient (tenant_id, id),
  foreign key (tenant_id, appointment_id) references clinic.appointment (tenant_id, id)
);

create index intake_form_by_patient on clinic.intake_form (tenant_id, patient_id, submitted_at);
create index intake_form_by_appointment on clinic.intake_form (tenant_id, appointment_id);

-- Append-only, and kept when the form is deleted, so it does not reference the form.
create table clinic.intake_event (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  occurred_at timestamptz not null default now(),
  patient_id uuid not null,
  form_id uuid not null,
  kind text not null check (kind in ('opened', 'submitted', 'reviewed', 'deleted')),
  detail text not null default '',
  primary key (tenant_id, occurred_at, id),
  foreign key (tenant_id, patient_id) references clinic.patient (tenant_id, id)
) partition by range (occurred_at);

create index intake_event_by_form on clinic.intake_event (tenant_id, form_id, occurred_at);

create table clinic.intake_event_2026_05 partition of clinic.intake_event
  for values from ('2026-05-01 00:00+00') to ('2026-06-01 00:00+00');
create table clinic.intake_event_2026_06 partition of clinic.intake_event
  for values from ('2026-06-01 00:00+00') to ('2026-07-01 00:00+00');
create table clinic.intake_event_2026_07 partition of clinic.intake_event
  for values from ('2026-07-01 00:00+00') to ('2026-08-01 00:00+00');
create table clinic.intake_event_2026_08 partition of clinic.intake_event
  for values from ('2026-08-01 00:00+00') to ('2026-09-01 00:00+00');
create table clinic.intake_event_2026_09 partition of clinic.intake_event
  for values from ('2026-09-01 00:00+00') to ('2026-10-01 00:00+00');
create table clinic.intake_event_2026_10 partition of clinic.intake_event
  for values from ('2026-10-01 00:00+00') to ('2026-11-01 00:00+00');
create table clinic.intake_event_2026_11 partition of clinic.intake_event
  for values from ('2026-11-01 00:00+00') to ('2026-12-01 00:00+00');
create table clinic.intake_event_2026_12 partition of clinic.intake_event
  for values from ('2026-12-01 00:00+00') to ('2027-01-01 00:00+00');
create table clinic.intake_event_2027_01 partition of clinic.intake_event
  for values from ('2027-01-01 00:00+00') to ('2027-02-01 00:00+00');
create table clinic.intake_event_2027_02 partition of clinic.intake_event
  for values from ('2027-02-01 00:00+00') to ('2027-03-01 00:00+00');
create table clinic.intake_event_2027_03 partition of clinic.intake_event
  for values from ('2027-03-01 00:00+00') to ('2027-04-01 00:00+00');
create table clinic.intake_event_2027_04 partition of clinic.intake_event
  for values from ('2027-04-01 00:00+00') to ('2027-05-01 00:00+00');
create table clinic.intake_event_other partition of clinic.intake_event default;
