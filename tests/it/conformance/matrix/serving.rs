//! The rows of the fault matrix about Spine itself: what it keeps, who asks, how it starts and stops.

use super::rows::{Row, held, partly};

const TRAFFIC: &str = "src/systems/http/tests/traffic.rs";
const FAULTS: &str = "tests/it/conformance/faults.rs";
const GUARD: &str = "src/graph/guard/tests.rs";
const REFUSALS: &str = "src/server/tests/refusals.rs";
const RELOAD: &str = "tests/it/reload.rs";
const LIFECYCLE: &str = "src/server/tests/lifecycle.rs";
const ENGINE: &str = "src/reads/tests/mod.rs";

pub(super) static ROWS: &[Row] = &[
    held(
        "C1",
        "ten thousand ask for the same at once",
        &[
            (ENGINE, &["requests_within_a_millisecond_travel_together_and_one_key_is_asked_once"]),
            ("src/reads/tests/waves.rs", &["from_many_threads_every_key_is_answered_and_asked_once"]),
            ("tests/it/batching.rs", &["a_hundred_identical_requests_at_once_cost_what_one_costs"]),
            ("tests/it/process.rs", &["connections_on_many_threads_share_what_is_read"]),
        ],
    ),
    held("C2", "who asked first leaves", &[(ENGINE, &["a_reader_that_leaves_does_not_take_the_load_with_it"])]),
    held("C3", "the load fails", &[(ENGINE, &["a_failure_is_remembered_for_a_second_and_not_longer"])]),
    held(
        "C4",
        "the load panics",
        &[
            (ENGINE, &["a_connector_that_panics_fails_its_readers_and_nothing_else"]),
            (
                "src/server/tests/panics.rs",
                &[
                    "a_connector_that_panics_fails_its_fields_and_is_asked_again",
                    "a_resolver_that_panics_is_an_error_without_its_text_and_holds_nothing",
                ],
            ),
        ],
    ),
    held(
        "C5",
        "a value ends while many ask for it",
        &[("src/reads/tests/stale.rs", &["while_one_load_refreshes_it_a_stale_value_is_shown_at_once"])],
    ),
    held(
        "C6",
        "an owner is down, and its last value is five minutes old",
        &[
            (
                "tests/it/freshness.rs",
                &["an_erp_that_is_down_is_stood_in_for_where_the_company_allows_it_and_it_shows"],
            ),
            ("src/reads/tests/stale.rs", &["who_wants_nothing_stale_gets_nothing_stale"]),
        ],
    ),
    held(
        "C7",
        "readers with other rights ask the same",
        &[
            ("tests/it/access/subset.rs", &["a_masked_answer_is_part_of_the_whole_one"]),
            ("tests/it/sign_in/tokens.rs", &["whoever_reads_their_own_deals_or_their_teams_reads_no_others"]),
        ],
    ),
    held(
        "C8",
        "keys that look alike",
        &[
            ("src/reads/tests/memory.rs", &["readers_of_one_store_do_not_see_one_anothers_keys"]),
            ("tests/it/answers.rs", &["answers_to_other_variables_are_other_answers"]),
        ],
    ),
    held(
        "C10",
        "a new configuration or a new credential",
        &[
            (RELOAD, &["a_secret_that_changes_in_its_file_is_used_without_anybody_saying_so"]),
            (
                "tests/it/sign_in/reload.rs",
                &["answers_that_were_kept_for_a_role_are_not_given_when_the_role_has_changed"],
            ),
        ],
    ),
    held(
        "C11",
        "the clock jumps by an hour",
        &[("tests/it/clock.rs", &["a_clock_that_jumps_by_an_hour_keeps_no_value_longer_and_forgets_none"])],
    ),
    held(
        "C12",
        "a flood of other keys",
        &[(
            "src/reads/tests/memory.rs",
            &["the_store_of_all_readers_stays_within_its_bytes", "people_and_reports_together_stay_within_the_bound"],
        )],
    ),
    held(
        "Q1",
        "who asked hangs up",
        &[
            ("src/server/tests/graphql.rs", &["who_hangs_up_stops_the_work"]),
            (TRAFFIC, &["callers_who_leave_leave_nothing_behind"]),
        ],
    ),
    held(
        "Q2",
        "deep questions, deep values, fragments that double or go in circles",
        &[(GUARD, &["each_attack_is_stopped_by_the_limit_made_for_it", "an_attack_costs_no_more_than_its_text"])],
    ),
    held(
        "Q3",
        "a thousand aliases, ten thousand fields or directives",
        &[(
            GUARD,
            &["each_attack_is_stopped_by_the_limit_made_for_it", "each_limit_admits_its_value_and_refuses_one_more"],
        )],
    ),
    held(
        "Q4",
        "a list of questions; a form with files",
        &[(REFUSALS, &["only_json_is_a_question", "a_body_is_one_json_object_with_known_members"])],
    ),
    held(
        "Q5",
        "pages, lists and variables without measure",
        &[("tests/it/input.rs", &["arguments_out_of_bounds_are_told"]), (REFUSALS, &["variables_are_bounded"])],
    ),
    held("Q6", "bodies that cannot be read", &[(REFUSALS, &["a_body_is_one_json_object_with_known_members"])]),
    held("Q7", "a compressed question", &[(REFUSALS, &["a_compressed_body_is_not_inflated"])]),
    held(
        "Q8",
        "who sends slowly, reads slowly, or only holds a connection",
        &[
            (REFUSALS, &["a_body_that_does_not_arrive_is_given_up"]),
            (
                LIFECYCLE,
                &[
                    "a_head_that_does_not_arrive_is_given_up",
                    "an_answer_that_nobody_reads_is_given_up",
                    "connections_beyond_the_most_at_once_wait_for_a_place",
                ],
            ),
            ("src/server/unread.rs", &["what_nobody_reads_is_given_up_and_what_is_read_slowly_is_not"]),
        ],
    ),
    held(
        "Q9",
        "a question that would need 2,000 calls",
        &[
            ("tests/it/waves.rs", &["a_list_costs_what_was_planned_and_that_is_the_bound"]),
            (
                "tests/it/overload.rs",
                &[
                    "an_operation_makes_no_more_calls_than_its_budget_and_the_rest_is_null_with_an_error",
                    "a_portfolio_beyond_the_budget_is_marked_and_never_a_smaller_number",
                    "a_report_or_a_feed_beyond_the_budget_is_an_error_and_no_table",
                ],
            ),
        ],
    ),
    partly(
        "Q10",
        "ten times more questions than there are places",
        &[
            ("src/server/tests/graphql.rs", &["requests_beyond_the_most_at_once_are_told_to_come_back"]),
            (
                "src/server/tests/overload.rs",
                &[
                    "a_tenfold_overload_is_refused_at_once_and_leaves_nothing_behind",
                    "a_refusal_does_not_wait_behind_the_work_that_was_let_in",
                ],
            ),
            (
                "src/reads/turns.rs",
                &["whoever_comes_in_waits_for_one_piece_of_work_of_many", "those_who_come_in_take_no_more_than_half"],
            ),
        ],
        "what is still answered in a minute of it: `make bench` measures it, and no test does",
    ),
    held(
        "Q11",
        "a report is refreshed while people look at cards",
        &[
            ("tests/it/fairness.rs", &["a_card_does_not_wait_for_the_reports_before_it"]),
            ("src/systems/upstream/bulkhead.rs", &["reports_get_a_third_of_the_places_and_people_get_all_of_them"]),
        ],
    ),
    held(
        "L1",
        "SIGTERM while requests are answered, and once more",
        &[
            (
                LIFECYCLE,
                &[
                    "a_request_in_flight_finishes_when_the_server_stops",
                    "health_says_that_the_process_answers_and_whether_it_is_about_to_stop",
                ],
            ),
            (
                "tests/it/process.rs",
                &[
                    "a_second_signal_ends_the_process_at_once",
                    "requests_under_way_on_any_thread_are_answered_before_the_process_ends",
                ],
            ),
        ],
    ),
    held(
        "L2",
        "a request that does not end while the server stops",
        &[(LIFECYCLE, &["a_request_that_does_not_finish_does_not_hold_the_server"])],
    ),
    held(
        "L3",
        "a system is down when Spine starts",
        &[
            (FAULTS, &["a_connection_that_begins_with_a_failure_tells_it_apart_and_recovers"]),
            ("tests/it/absence.rs", &["a_system_that_comes_back_is_read_again"]),
        ],
    ),
    held(
        "L4",
        "a configuration that is wrong",
        &[
            ("tests/it/command_line.rs", &["check_says_what_is_wrong_with_a_configuration_and_where"]),
            (RELOAD, &["a_bad_file_changes_nothing_and_says_where_it_is_wrong"]),
        ],
    ),
    partly(
        "L5",
        "no memory, no files, no disk",
        &[
            ("tests/it/audit.rs", &["nothing_is_answered_without_a_trail_where_it_is_required"]),
            ("src/server/audit/sink.rs", &["a_file_that_cannot_be_written_is_said_at_the_start"]),
            ("tests/it/process.rs", &["a_process_without_files_left_to_open_goes_on_when_there_are_some"]),
        ],
        "no memory: what is kept and what is read at once is bounded (C12, D17, T9), and no request is refused for lack of it",
    ),
    held(
        "L7",
        "a certificate or a secret changes on disk",
        &[(
            RELOAD,
            &[
                "a_certificate_is_renewed_and_one_without_its_key_is_not_taken",
                "a_secret_that_changes_in_its_file_is_used_without_anybody_saying_so",
                "no_request_fails_while_the_configuration_is_replaced_again_and_again",
            ],
        )],
    ),
];
