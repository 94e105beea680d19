//! The routes, one file per resource.

mod backups;
mod coverage;
mod files;
mod keys;
mod page;
mod pitr;
mod plan;
mod schedules;
mod servers;

pub(crate) use coverage::{GapView, WindowView};
pub(crate) use pitr::TriggerPitr;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts every route. Fixed words come before ids at the same place.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(servers::register_server)
        .service(servers::list_servers)
        .service(servers::get_server)
        .service(servers::update_server)
        .service(servers::delete_server)
        .service(servers::check_server)
        .service(backups::trigger_backup)
        .service(schedules::list_schedules)
        .service(schedules::create_schedule)
        .service(schedules::update_schedule)
        .service(schedules::delete_schedule)
        .service(backups::list_backup_history)
        .service(backups::get_backup_entry)
        .service(backups::cancel_backup)
        .service(backups::list_backup_files)
        .service(plan::plan_pitr)
        .service(coverage::get_pitr_coverage)
        .service(pitr::trigger_pitr)
        .service(pitr::list_pitr_history)
        .service(pitr::get_pitr_entry)
        .service(pitr::cancel_pitr)
        .service(pitr::list_pitr_files)
        .service(pitr::get_pitr_run_plan)
        .service(keys::create_key)
        .service(keys::list_keys)
        .service(keys::revoke_key);
}
