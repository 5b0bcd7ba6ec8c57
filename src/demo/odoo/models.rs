//! The models and their fields, as Odoo 19 names them.

use super::books;
use super::table::Type::{
    Boolean, Char, Date, Datetime, Float, Integer, Json, Many2many, Many2one, Monetary, Selection,
};
use super::table::{Row, Table, Tables, Type};
use crate::demo::company::model::Company;

/// The company as Odoo keeps it.
pub(super) fn tables(company: &Company) -> Tables {
    let mut tables = Tables::default();
    for (model, fields) in MODELS {
        tables.0.insert(model, Table::new(fields));
    }
    books::fill(&mut tables, company);
    if let Some(models) = tables.0.get_mut("ir.model") {
        for ((model, _), id) in MODELS.iter().zip(1..) {
            models.add(id, Row::default().text("model", *model).text("name", model.replace('.', " ")));
        }
    }
    tables
}

type Fields = &'static [(&'static str, Type)];

const MODELS: [(&str, Fields); 14] = [
    ("ir.model", &[("model", Char), ("name", Char)]),
    ("res.company", &[("name", Char), ("currency_id", Many2one("res.currency"))]),
    ("res.currency", &[("name", Char), ("decimal_places", Integer), ("active", Boolean)]),
    ("res.partner", &[("name", Char), ("ref", Char), ("active", Boolean)]),
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
    ("project.project", &[("name", Char), ("active", Boolean), ("account_id", Many2one("account.analytic.account"))]),
    ("hr.employee", &[("name", Char), ("active", Boolean)]),
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
    ("employee_id", Many2one("hr.employee")),
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
    ("price_unit", Float),
    ("price_subtotal", Monetary),
    ("analytic_distribution", Json),
];
