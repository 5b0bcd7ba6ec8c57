//! The rows of the fault matrix about systems and their data that tests of their own hold, and what nobody holds yet.

/// Kinds of system that no case is run against, and why.
pub(super) const NOT_IN_THE_MATRIX: &[(&str, &str)] = &[
    ("sql", "speaks no HTTP, and its answers go over TLS within the database's own protocol: see the rows below"),
    ("tryton", "there is no embedded Tryton yet, only answers recorded from a real one: see the rows below"),
];

/// Rows about what Spine does not have.
pub(super) const NOT_APPLICABLE: &[(&str, &str, &str)] = &[
    ("T6", "a client certificate that has expired", "no connection signs in by a certificate"),
    ("C9", "a shared cache that is down or slow", "there is no shared cache: each process keeps what it reads"),
    ("L6", "the collector of traces is down", "nothing is sent to one: traces are lines of the log, on stderr"),
];

/// A row, what goes wrong in it, and the tests that hold it: a file, and the names of tests in it.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) wrong: &'static str,
    pub(super) tests: &'static [(&'static str, &'static [&'static str])],
    /// What of it nobody holds yet.
    pub(super) open: Option<&'static str>,
}

pub(super) const fn held(
    id: &'static str,
    wrong: &'static str,
    tests: &'static [(&'static str, &'static [&'static str])],
) -> Row {
    Row { id, wrong, tests, open: None }
}

pub(super) const fn partly(
    id: &'static str,
    wrong: &'static str,
    tests: &'static [(&'static str, &'static [&'static str])],
    open: &'static str,
) -> Row {
    Row { id, wrong, tests, open: Some(open) }
}

const WIRE: &str = "src/systems/http/tests/faults.rs";
const TRAFFIC: &str = "src/systems/http/tests/traffic.rs";
const READS: &str = "tests/it/conformance/reads.rs";
const FAULTS: &str = "tests/it/conformance/faults.rs";
const ENGINE: &str = "src/reads/tests/mod.rs";
const SQL: &str = "tests/it/sql.rs";
const TRYTON: &str = "src/systems/tryton/odd_servers.rs";

pub(super) static ROWS: &[Row] = &[
    held(
        "T2",
        "a database or a Tryton that is gone",
        &[
            (SQL, &["a_server_that_is_gone_cannot_be_reached_and_is_read_again_when_it_is_back"]),
            (TRYTON, &["each_failure_is_told_apart"]),
        ],
    ),
    held(
        "T5",
        "a database with a certificate that is not its own; a server without TLS; files that hold no CA",
        &[
            (SQL, &["the_servers_certificate_is_verified"]),
            (WIRE, &["a_server_without_tls_is_not_spoken_to_in_the_clear"]),
            (TRAFFIC, &["a_connection_that_cannot_work_is_refused_when_it_is_built"]),
        ],
    ),
    held("T7", "a database that takes too long", &[(SQL, &["a_query_that_takes_too_long_ends_its_session"])]),
    held(
        "T12",
        "an idle connection, or a database's session, that the other side has closed",
        &[
            (WIRE, &["a_connection_lost_before_the_answer_is_replaced_once_without_a_word"]),
            (SQL, &["sessions_are_kept_and_those_that_the_server_ended_are_replaced_without_a_word"]),
        ],
    ),
    held(
        "T13",
        "answers become a hundred times slower",
        &[
            (FAULTS, &["an_answer_that_comes_too_late_is_a_timeout"]),
            (
                "src/systems/upstream/tests.rs",
                &["a_system_that_slows_down_is_asked_less_and_another_ones_calls_take_as_long_as_before"],
            ),
        ],
    ),
    held(
        "T14",
        "half of the answers are errors",
        &[(TRAFFIC, &["retries_of_a_flapping_system_stay_within_a_fifth_of_the_calls"])],
    ),
    held(
        "T15",
        "all answers are errors for a while, and then none",
        &[
            (FAULTS, &["a_system_that_goes_on_failing_is_left_alone"]),
            (TRAFFIC, &["the_breaker_opens_lets_one_probe_through_and_closes_when_the_system_is_back"]),
        ],
    ),
    held("T16", "301, 303, 307", &[(WIRE, &["redirects_are_not_followed"])]),
    held(
        "H1",
        "each status of a system or a gateway that fails; one in passing",
        &[
            ("src/systems/http/classify.rs", &["each_status_means_one_thing"]),
            (FAULTS, &["each_failure_is_told_apart_and_none_stays", "what_fails_once_in_passing_is_asked_again"]),
        ],
    ),
    held(
        "H2",
        "a pause that fits is waited for, by all calls; one that does not is said at once",
        &[
            (
                FAULTS,
                &["a_rate_limit_is_waited_for_where_the_wait_fits", "a_rate_limit_that_does_not_fit_is_said_at_once"],
            ),
            (TRAFFIC, &["a_system_that_asks_for_a_pause_gets_it_from_all_calls"]),
        ],
    ),
    held(
        "H3",
        "`Retry-After` in all its forms; a pause of a day",
        &[
            ("src/systems/http/classify.rs", &["retry_after_is_read_in_all_its_forms"]),
            ("src/systems/upstream/pace.rs", &["no_system_shuts_its_connection_for_more_than_a_minute"]),
        ],
    ),
    held(
        "H6",
        "a session that ends under fifty calls",
        &[
            ("src/systems/sap_b1/tests.rs", &["fifty_calls_at_once_sign_in_once_and_once_more_when_the_session_ends"]),
            (TRYTON, &["a_session_that_ended_is_renewed_once_for_all"]),
        ],
    ),
    held(
        "H7",
        "a credential that is refused",
        &[
            ("src/systems/sap_b1/tests.rs", &["a_refused_sign_in_is_not_tried_again_for_a_while"]),
            (SQL, &["a_refused_sign_in_is_told_apart_and_not_tried_again_at_once"]),
            (TRYTON, &["a_wrong_password_is_not_tried_again_and_again"]),
        ],
    ),
    held(
        "H8",
        "a right that is missing for one thing",
        &[
            (
                "src/systems/hubspot/tests/faults.rs",
                &["a_missing_scope_is_forbidden_for_what_needs_it_and_leaves_the_rest"],
            ),
            (TRYTON, &["a_field_that_the_user_may_not_read_is_an_error_and_not_empty"]),
        ],
    ),
    held(
        "H9",
        "a record that is not there",
        &[
            (READS, &["a_key_that_nobody_knows_is_absent_and_no_error"]),
            ("tests/it/absence.rs", &["what_an_owner_does_not_know_is_told_apart_from_an_owner_that_is_away"]),
            ("tests/it/freshness.rs", &["what_the_owner_does_not_know_is_believed_for_a_while_of_its_own"]),
        ],
    ),
    held(
        "H10",
        "207: some of a batch failed",
        &[
            (
                "src/systems/hubspot/tests/faults.rs",
                &[
                    "an_error_for_one_input_fails_that_key_alone",
                    "an_error_that_names_nobody_fails_all_without_a_result",
                ],
            ),
            (ENGINE, &["one_bad_key_fails_alone_and_an_unknown_one_is_not_a_failure"]),
        ],
    ),
    held(
        "H11",
        "a batch in another order, with less or with more than was asked for",
        &[
            (
                "src/systems/rest/tests/keys.rs",
                &[
                    "rows_that_were_not_asked_for_are_dropped_and_two_for_one_key_are_a_conflict",
                    "a_row_without_its_key_is_an_error_and_never_a_row_of_nobody",
                ],
            ),
            (TRYTON, &["a_row_that_was_not_asked_for_is_dropped"]),
            ("src/systems/hubspot/tests/faults.rs", &["a_batch_that_is_still_running_is_no_answer"]),
        ],
    ),
    held("H13", "304, and what is no HTTP at all", &[(WIRE, &["what_is_not_a_json_answer_is_never_taken_for_one"])]),
    held(
        "D1",
        "two projects with one shared ID",
        &[(READS, &["two_projects_with_one_id_are_a_conflict_of_that_id_alone"])],
    ),
    held(
        "D2",
        "two deals with one shared ID",
        &[
            ("tests/it/profitability.rs", &["margin_by_vertical_is_the_sum_of_the_margins_of_its_projects"]),
            (
                "tests/it/oracle.rs",
                &[
                    "the_financials_of_every_project_agree_with_the_seed_to_the_last_digit_whichever_erp_holds_the_books",
                ],
            ),
        ],
    ),
    held(
        "D3",
        "one ID in other spellings",
        &[
            ("src/domain/ids.rs", &["spellings_of_one_id_are_one_id", "normalising_twice_changes_nothing"]),
            (READS, &["an_id_in_another_spelling_is_the_same_id"]),
        ],
    ),
    held(
        "D4",
        "IDs as numbers and as texts; quotes and slashes in them",
        &[
            ("tests/it/input.rs", &["a_record_id_changes_no_path_and_no_filter"]),
            ("src/systems/sap_b1/filter.rs", &["a_quote_in_a_value_stays_within_its_literal"]),
            ("src/systems/netsuite/sql.rs", &["a_quote_in_a_value_stays_within_its_literal"]),
            ("src/systems/odoo/domain.rs", &["what_stands_for_other_signs_is_taken_literally"]),
            (SQL, &["keys_are_one_parameter_whatever_they_hold"]),
            (READS, &["numbers_that_come_as_strings_change_nothing"]),
        ],
    ),
    held(
        "D5",
        "amounts as text, as number, with an exponent, in local form, too long",
        &[
            ("src/domain/money.rs", &["reads_what_systems_write", "a_decimal_survives_its_text"]),
            (
                "src/systems/rest/tests/values.rs",
                &[
                    "amounts_are_read_to_the_last_digit_from_numbers_and_texts",
                    "other_spellings_of_numbers_are_read_only_where_they_are_declared",
                ],
            ),
            (SQL, &["amounts_are_read_to_the_last_digit", "what_cannot_be_read_exactly_is_refused_by_name"]),
            ("src/finance/figure.rs", &["an_overflow_is_unknown_rather_than_wrong"]),
        ],
    ),
    held(
        "D6",
        "a currency that is missing, unknown or another one",
        &[
            (
                "tests/it/input.rs",
                &["an_amount_without_a_currency_is_null_with_an_error_and_withholds_the_sums_it_is_in"],
            ),
            ("src/finance/figure.rs", &["a_sum_without_a_common_currency_is_unknown"]),
            ("src/systems/rest/tests/values.rs", &["an_amount_without_a_currency_is_none_with_a_flaw"]),
        ],
    ),
    held(
        "D7",
        "credit notes, cancelled documents, nothing earned",
        &[
            ("tests/it/books.rs", &["every_erp_gives_the_same_financials_to_the_last_digit_and_so_do_its_own_sums"]),
            ("src/finance/figure.rs", &["a_percentage_of_nothing_is_unknown", "adding_and_subtracting_leaves_nothing"]),
            (
                "src/systems/odoo/corrections.rs",
                &["a_reversed_invoice_and_the_credit_note_that_reverses_it_are_nothing_together"],
            ),
        ],
    ),
    held(
        "D8",
        "dates in many forms, and dates that are none",
        &[
            ("src/systems/declared/dates.rs", &["days_and_moments_in_other_forms_are_left_alone"]),
            ("src/systems/sap_b1/map_tests.rs", &["dates_come_in_three_forms"]),
            ("src/systems/hubspot/tests/map.rs", &["close_dates_are_read_as_times_days_and_milliseconds"]),
            ("src/systems/sap_b1/tests.rs", &["odd_records_keep_their_good_fields_and_name_the_bad_ones"]),
        ],
    ),
    held(
        "D9",
        "words that nobody has mapped",
        &[
            (READS, &["words_that_nobody_mapped_are_kept_and_no_failure"]),
            (TRYTON, &["a_state_nobody_has_mapped_is_kept_and_makes_no_figure"]),
        ],
    ),
    held(
        "D10",
        "a field that is not there any more",
        &[
            ("src/systems/odoo/tests.rs", &["a_missing_field_is_named"]),
            ("src/systems/redmine/tests.rs", &["never_set_and_cleared_fields_are_both_missing"]),
        ],
    ),
    held(
        "D11",
        "depth, in what is read; names that are there twice",
        &[
            (
                "src/systems/http/decode.rs",
                &["depth_and_bytes_that_are_not_text_are_refused", "a_name_that_is_there_twice_is_refused"],
            ),
            ("src/systems/declared/json.rs", &["nesting_ends_somewhere"]),
        ],
    ),
    held(
        "D12",
        "pages that repeat, overlap, stand still or never end, of each kind of paging",
        &[
            ("src/systems/sap_b1/odd_servers.rs", &["pages_that_overlap_stand_still_or_never_end_are_not_a_list"]),
            ("src/systems/netsuite/odd_servers.rs", &["a_list_that_is_not_whole_is_an_error"]),
            ("src/systems/quickbooks/odd_servers.rs", &["rows_that_move_come_twice_or_never_end_are_no_list"]),
            ("src/systems/odoo/tests.rs", &["pages_are_read_to_the_end_and_what_is_not_whole_is_an_error"]),
            (
                "src/systems/rest/tests/paging.rs",
                &["pages_that_do_not_end_are_refused", "pages_that_end_before_the_rows_do_are_refused"],
            ),
            ("src/systems/hubspot/tests/faults.rs", &["a_page_without_rows_that_promises_more_is_not_the_end"]),
            ("tests/it/redmine.rs", &["more_pages_than_allowed_are_an_error_and_not_a_shorter_list"]),
            (TRYTON, &["a_list_is_read_to_its_end_or_is_none"]),
        ],
    ),
    held(
        "D13",
        "a link to the next page that leads elsewhere",
        &[
            ("src/systems/sap_b1/odd_servers.rs", &["a_link_to_elsewhere_is_not_believed"]),
            ("src/systems/rest/tests/paging.rs", &["a_link_that_leads_elsewhere_is_refused_and_never_followed"]),
        ],
    ),
    held(
        "D14",
        "records that come or go between pages",
        &[
            ("src/systems/quickbooks/tests.rs", &["a_cursor_goes_on_where_the_page_ended_and_notices_what_moved"]),
            (READS, &["lists_hold_every_row_once_in_a_stable_order"]),
        ],
    ),
    held(
        "D15",
        "a search that gives 10,000 rows at most",
        &[
            ("src/systems/hubspot/tests/lists.rs", &["rows_beyond_ten_thousand_are_an_error_and_never_a_shorter_list"]),
            ("src/systems/netsuite/odd_servers.rs", &["a_list_that_is_not_whole_is_an_error"]),
        ],
    ),
    held(
        "D16",
        "a record that changes between two reads",
        &[
            ("src/reads/tests/oracle.rs", &["what_is_read_is_what_the_owner_held_and_no_older_than_it_says"]),
            ("tests/it/freshness.rs", &["the_answer_tells_the_age_of_its_oldest_part_in_its_headers"]),
            ("tests/it/waves.rs", &["a_link_that_has_changed_is_followed_and_the_old_project_is_not_shown"]),
        ],
    ),
    held(
        "D17",
        "50,000 records of one project",
        &[(
            "src/systems/rest/tests/paging.rs",
            &["fifty_thousand_rows_of_one_project_are_refused_in_time_and_never_held_at_once"],
        )],
    ),
];

/// The rows there are.
pub(super) fn all() -> impl Iterator<Item = String> {
    let sections = [('T', 16), ('H', 13), ('D', 17), ('C', 12), ('Q', 11), ('L', 7)];
    sections.into_iter().flat_map(|(section, rows)| (1..=rows).map(move |row| format!("{section}{row}")))
}
