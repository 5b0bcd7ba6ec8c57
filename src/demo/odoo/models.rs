//! The models and their fields, as Odoo 19 names them.

use super::table::Type::{
    Boolean, Char, Date, Datetime, Float, Integer, Json, Many2many, Many2one, Monetary, Selection,
};
use super::table::{Row, Table, Tables, Type};
use super::{books, crm, work};
use crate::demo::company::model::Company;

/// The company as Odoo keeps it.
pub(super) fn tables(company: &Company) -> Tables {
    let mut tables = Tables::default();
    for (model, fields) in MODELS {
        tables.0.insert(model, Table::new(fields));
    }
    books::fill(&mut tables, company);
    work::fill(&mut tables, company);
    crm::fill(&mut tables, company);
    if let Some(models) = tables.0.get_mut("ir.model") {
        for ((model, _), id) in MODELS.iter().zip(1..) {
            models.add(id, Row::default().text("model", *model).text("name", model.replace('.', " ")));
        }
    }
    tables
}

type Fields = &'static [(&'static str, Type)];

/// Fields that are computed whenever they are read, and no columns: they cannot be grouped by.
pub(super) const NOT_STORED: [(&str, &str); 3] =
    [("account.move", "company_currency_id"), ("crm.lead", "company_currency"), ("purchase.order.line", "date_order")];

const MODELS: [(&str, Fields); 22] = [
    ("uom.uom", &[("name", Char)]),
    ("ir.model", &[("model", Char), ("name", Char)]),
    ("res.company", &[("name", Char), ("currency_id", Many2one("res.currency"))]),
    ("res.currency", &[("name", Char), ("decimal_places", Integer), ("active", Boolean)]),
    (
        "res.partner",
        &[
            ("name", Char),
            ("ref", Char),
            ("website", Char),
            ("industry_id", Many2one("res.partner.industry")),
            ("country_id", Many2one("res.country")),
            ("is_company", Boolean),
            ("active", Boolean),
        ],
    ),
    ("res.users", &[("name", Char), ("email", Char), ("active", Boolean)]),
    ("account.account", &[("code", Char), ("name", Char), ("internal_group", Selection)]),
    (
        "account.analytic.account",
        &[("name", Char), ("code", Char), ("active", Boolean), ("company_id", Many2one("res.company"))],
    ),
    ("account.move", MOVE),
    ("account.move.line", MOVE_LINE),
    (
        "account.partial.reconcile",
        &[
            ("debit_move_id", Many2one("account.move.line")),
            ("credit_move_id", Many2one("account.move.line")),
            ("amount", Monetary),
            ("debit_amount_currency", Monetary),
            ("credit_amount_currency", Monetary),
            ("max_date", Date),
        ],
    ),
    ("account.analytic.line", ANALYTIC_LINE),
    (
        "purchase.order",
        &[
            ("name", Char),
            ("state", Selection),
            ("partner_id", Many2one("res.partner")),
            ("currency_id", Many2one("res.currency")),
            ("currency_rate", Float),
            ("company_id", Many2one("res.company")),
            ("date_order", Datetime),
            ("amount_untaxed", Monetary),
            ("order_line", Many2many("purchase.order.line")),
        ],
    ),
    ("purchase.order.line", ORDER_LINE),
    ("project.project", PROJECT),
    (
        "project.milestone",
        &[("name", Char), ("project_id", Many2one("project.project")), ("deadline", Date), ("is_reached", Boolean)],
    ),
    ("project.task", TASK),
    ("project.task.type", &[("name", Char), ("fold", Boolean)]),
    ("hr.employee", &[("name", Char), ("email", Char), ("active", Boolean)]),
    ("crm.lead", LEAD),
    ("crm.team", &[("name", Char)]),
    ("crm.stage", &[("name", Char), ("is_won", Boolean)]),
];

const MOVE: Fields = &[
    ("name", Char),
    ("ref", Char),
    ("move_type", Selection),
    ("state", Selection),
    ("payment_state", Selection),
    ("invoice_date", Date),
    ("invoice_date_due", Date),
    ("date", Date),
    ("partner_id", Many2one("res.partner")),
    ("company_id", Many2one("res.company")),
    ("currency_id", Many2one("res.currency")),
    ("company_currency_id", Many2one("res.currency")),
    ("amount_untaxed", Monetary),
    ("amount_tax", Monetary),
    ("amount_total", Monetary),
    ("amount_residual", Monetary),
    ("amount_untaxed_signed", Monetary),
    ("amount_total_signed", Monetary),
    ("amount_residual_signed", Monetary),
    ("invoice_line_ids", Many2many("account.move.line")),
    // Made in this database by its administrator: the shared ID on the document itself.
    ("x_project_id", Char),
];

const MOVE_LINE: Fields = &[
    ("move_id", Many2one("account.move")),
    ("move_name", Char),
    ("parent_state", Selection),
    ("display_type", Selection),
    ("date", Date),
    ("name", Char),
    ("partner_id", Many2one("res.partner")),
    ("account_id", Many2one("account.account")),
    ("quantity", Float),
    ("price_unit", Float),
    ("price_subtotal", Monetary),
    ("amount_currency", Monetary),
    ("balance", Monetary),
    ("currency_id", Many2one("res.currency")),
    ("company_currency_id", Many2one("res.currency")),
    ("analytic_distribution", Json),
    ("purchase_line_id", Many2one("purchase.order.line")),
    ("product_uom_id", Many2one("uom.uom")),
];

const ANALYTIC_LINE: Fields = &[
    ("name", Char),
    ("date", Date),
    ("ref", Char),
    ("amount", Monetary),
    ("unit_amount", Float),
    ("account_id", Many2one("account.analytic.account")),
    ("general_account_id", Many2one("account.account")),
    ("move_line_id", Many2one("account.move.line")),
    ("partner_id", Many2one("res.partner")),
    ("project_id", Many2one("project.project")),
    ("task_id", Many2one("project.task")),
    ("employee_id", Many2one("hr.employee")),
    ("user_id", Many2one("res.users")),
    ("company_id", Many2one("res.company")),
    ("currency_id", Many2one("res.currency")),
    ("category", Selection),
];

const ORDER_LINE: Fields = &[
    ("order_id", Many2one("purchase.order")),
    ("state", Selection),
    ("display_type", Selection),
    ("partner_id", Many2one("res.partner")),
    ("company_id", Many2one("res.company")),
    ("currency_id", Many2one("res.currency")),
    ("date_order", Datetime),
    ("name", Char),
    ("product_qty", Float),
    ("qty_received", Float),
    ("qty_invoiced", Float),
    ("product_uom_id", Many2one("uom.uom")),
    ("price_unit", Float),
    ("price_subtotal", Monetary),
    ("analytic_distribution", Json),
];

const PROJECT: Fields = &[
    ("name", Char),
    ("active", Boolean),
    ("user_id", Many2one("res.users")),
    ("date_start", Date),
    ("date", Date),
    ("last_update_status", Selection),
    ("allocated_hours", Float),
    ("is_template", Boolean),
    ("account_id", Many2one("account.analytic.account")),
    ("create_date", Datetime),
    ("write_date", Datetime),
    // This company's own.
    ("x_project_id", Char),
    ("x_health", Char),
    ("x_health_reason", Char),
];

const TASK: Fields = &[
    ("name", Char),
    ("project_id", Many2one("project.project")),
    ("stage_id", Many2one("project.task.type")),
    ("state", Selection),
    ("priority", Selection),
    ("user_ids", Many2many("res.users")),
    ("parent_id", Many2one("project.task")),
    ("milestone_id", Many2one("project.milestone")),
    ("create_date", Datetime),
    ("write_date", Datetime),
    ("date_end", Datetime),
    ("allocated_hours", Float),
    ("effective_hours", Float),
    ("active", Boolean),
    // This company's own.
    ("x_kind", Char),
    ("x_progress", Integer),
];

const LEAD: Fields = &[
    ("type", Selection),
    ("name", Char),
    ("active", Boolean),
    ("probability", Float),
    ("won_status", Selection),
    ("team_id", Many2one("crm.team")),
    ("stage_id", Many2one("crm.stage")),
    ("expected_revenue", Monetary),
    ("company_currency", Many2one("res.currency")),
    ("date_deadline", Date),
    ("user_id", Many2one("res.users")),
    ("partner_id", Many2one("res.partner")),
    ("create_date", Datetime),
    ("write_date", Datetime),
    // This company's own.
    ("x_project_id", Char),
    ("x_amount", Monetary),
    ("x_currency_id", Many2one("res.currency")),
    ("x_estimated_cost", Monetary),
    ("x_vertical", Char),
    ("x_deal_type", Char),
    ("x_scope", Char),
];
