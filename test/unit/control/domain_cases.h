/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_cases.h - the cases of the control domain's test, in the order in which they run, and
 * their common steps
 *
 * The domain's state is static: a case continues where the one before stopped, and each leaves
 * the host as it found it.
 */
#ifndef DOMAIN_CASES_H
#define DOMAIN_CASES_H

#include <stdint.h>

#define DOMAIN_CASES(X) \
	X(starts_with_auto_guests) \
	X(creates_and_destroys) \
	X(pv_guests_run_in_the_shim) \
	X(xenstore_dies_all_along) \
	X(scribe_dies_all_along) \
	X(scribe_raves) \
	X(grows) \
	X(sizes_are_set) \
	X(limits_are_set) \
	X(large_ones) \
	X(a_kernel_is_unpacked_once) \
	X(images_that_are_refused) \
	X(images_make_room) \
	X(files_starts_again_with_images) \
	X(a_vmm_ends_while_it_unpacks) \
	X(a_restart_waits_for_an_image) \
	X(errors_leave_nothing) \
	X(dry_runs) \
	X(service_is_slow_to_close) \
	X(service_does_not_answer_an_open) \
	X(destroyed_while_it_is_being_connected) \
	X(ready_after_its_end_has_begun) \
	X(connection_that_is_of_no_use) \
	X(last_flush_fails) \
	X(xenstore_refuses) \
	X(vmm_cannot_build) \
	X(vmm_dies) \
	X(shutdown_and_reboot) \
	X(crashes_in_a_loop) \
	X(waiting_can_be_left) \
	X(states_are_waited_for) \
	X(sleeping) \
	X(commands_are_run_again) \
	X(scripts_are_run) \
	X(scripts_have_texts) \
	X(logs_of_consoles) \
	X(what_was_done_is_logged) \
	X(configurations_are_typed) \
	X(console_is_restarted_at_the_prompt) \
	X(console_is_restarted_while_busy) \
	X(console_is_restarted_with_a_guest) \
	X(console_is_restarted_in_the_log) \
	X(console_does_not_come_back) \
	X(keys_are_kept_while_busy) \
	X(typed_ahead) \
	X(lists) \
	X(spreads) \
	X(caps_bind_all_threads) \
	X(caps_bind_services) \
	X(services_take_no_more_than_a_share) \
	X(services_take_what_others_leave) \
	X(services_that_work_more_than_there_is_time) \
	X(services_that_do_not_say_what_they_did) \
	X(shares_are_listed) \
	X(shares_that_cannot_be) \
	X(shares_change_at_once) \
	X(vcpus_that_run_share) \
	X(vcpus_start_where_they_should) \
	X(vcpus_are_pinned) \
	X(vcpus_that_cannot_be_pinned) \
	X(the_pool_is_listed) \
	X(tables_of_top) \
	X(a_guest_ends_in_a_table_of_top) \
	X(keys_of_top) \
	X(options_of_top) \
	X(orders_of_top) \
	X(exits_are_counted) \
	X(renames) \
	X(configurations_are_updated) \
	X(exit_statuses) \
	X(verbs_that_are_refused) \
	X(keys_and_buttons) \
	X(vcpus_are_set) \
	X(devices_are_listed) \
	X(plugs_are_tried) \
	X(disks_come_and_go) \
	X(vifs_come_and_go) \
	X(plugs_that_fail) \
	X(media_come_and_go) \
	X(media_that_fail) \
	X(plugs_of_guests_that_end) \
	X(storage_dies_while_a_disk_comes) \
	X(a_vmm_lies_about_devices) \
	X(tools_have_rights) \
	X(tools_ask_for_nonsense) \
	X(tools_break_the_protocol) \
	X(control_begins_anew) \
	X(the_shell_loses_its_memory) \
	X(control_loses_its_memory) \
	X(control_takes_memory_for_itself) \
	X(guests_are_named) \
	X(a_guest_accuses_alone) \
	X(what_guests_say_in_vain) \
	X(guests_accuse_while_init_is_busy) \
	X(guests_accuse_together) \
	X(a_guest_is_saved) \
	X(a_saved_guest_goes_on) \
	X(a_save_fails) \
	X(a_guest_in_the_shim_is_not_saved) \
	X(two_guests_are_saved) \
	X(cores_are_written) \
	X(cores_of_guests_that_crash) \
	X(a_guest_does_not_stop_to_be_saved) \
	X(a_vmm_fails_while_it_saves) \
	X(a_guest_ends_while_it_is_saved) \
	X(a_guest_is_restored) \
	X(a_restored_guest_grows) \
	X(a_restoration_fails) \
	X(consoles) \
	X(console_of_a_guest_in_the_making) \
	X(xenstore) \
	X(long_lines) \
	X(a_line_without_end) \
	X(several_commands_in_a_line) \
	X(pipes) \
	X(files_and_completion) \
	X(files_starts_again) \
	X(names_of_another_host) \
	X(services_start_again) \
	X(a_service_dies_while_a_guest_is_made) \
	X(a_service_dies_while_a_guest_ends) \
	X(last_flush_in_the_next_life) \
	X(those_who_wait_come_first) \
	X(no_disk_is_taken) \
	X(no_disk_is_taken_at_a_start) \
	X(services_fail_at_their_start) \
	X(opened_already) \
	X(a_reopen_fails) \
	X(a_new_life_refuses_nothing) \
	X(init_is_late) \
	X(services_are_listed) \
	X(what_domains_hold_is_shown) \
	X(xenstore_raves) \
	X(xenstore_ends) \
	X(scribe_ends) \
	X(a_hundred_guests_in_a_row) \
	X(power) \
	X(power_without_a_service) \
	X(a_service_is_given_up)

#define X(name) void name(void **state);
DOMAIN_CASES(X)
#undef X

/* xenstore nodes without any guest: name and domid of Domain-0 */
enum { HOST_NODES = 2 };
/* Capability slots in use without any guest. */
extern uint64_t slots_at_rest;

/* Everything that guests took has been returned. */
void world_at_rest(void);
uint32_t domid_of(const char *name);
/* Types the command and lets the VMM say READY; returns the domid. */
uint32_t guest_created(const char *command, const char *name);
/* The VMM quiesces in order. */
void guest_ends(uint32_t domid);
/* The same for a guest that will be started again, but not at once. */
void guest_ends_resting(uint32_t domid);
void guest_destroyed(const char *name);
/* Types a line whose command goes on. */
void waits(const char *line);

#endif
