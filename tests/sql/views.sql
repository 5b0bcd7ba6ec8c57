-- What an administrator makes for Spine: a view per entity, its columns called as Spine calls its fields.
-- {lines} and {payments} put rows of another table into one column of JSON, each engine in its own way.
CREATE VIEW spine_deals AS
SELECT d.id, d.erp_deal_id AS project_id, d.name, p.label AS pipeline, s.label AS stage,
  COALESCE(s.outcome, d.stage) AS status, d.amount, d.amount - d.estimated_cost AS expected_margin, d.currency, d.close_date,
  o.name AS owner, o.email AS owner_email, d.vertical, d.deal_type, d.scope, d.client AS client_id, d.created AS created_at,
  d.updated AS updated_at
FROM deals d LEFT JOIN pipelines p ON p.id = d.pipeline LEFT JOIN stages s ON s.id = d.stage
LEFT JOIN people o ON o.id = d.owner;
CREATE VIEW spine_clients AS SELECT id, name, domain, vertical AS industry, country FROM clients;
CREATE VIEW spine_contacts AS
SELECT c.id, dc.deal AS deal_id, c.name, c.email, c.phone, c.job AS role
FROM contacts c JOIN deal_contacts dc ON dc.contact = c.id;
CREATE VIEW spine_line_items AS
SELECT i.id, i.deal AS deal_id, i.name, i.sku, i.quantity, i.price AS unit_price, i.amount, d.currency
FROM line_items i JOIN deals d ON d.id = i.deal;
CREATE VIEW spine_proposals AS
SELECT q.id, q.deal AS deal_id, q.title, q.number,
  (SELECT COUNT(*) FROM quotes o WHERE o.deal = q.deal) AS version,
  CASE WHEN q.status = 'APPROVED' THEN 1 ELSE 0 END AS signed, q.status, q.amount, d.currency, q.expires AS expires_on
FROM quotes q JOIN deals d ON d.id = q.deal
WHERE q.id = (SELECT c.id FROM quotes c WHERE c.deal = q.deal
  ORDER BY CASE WHEN c.status = 'APPROVED' THEN 1 ELSE 0 END DESC, c.created DESC, c.id DESC LIMIT 1);
CREATE VIEW spine_communications AS
SELECT c.id, c.deal AS deal_id, c.kind, c.happened AS at, c.title AS subject, c.body, p.name AS author
FROM communications c LEFT JOIN people p ON p.id = c.author;
CREATE VIEW spine_pre_sales_tickets AS
SELECT t.id, t.deal AS deal_id, t.subject, t.stage AS status, s.label AS status_label, 'Support pipeline' AS pipeline,
  t.priority, t.category, o.team, o.name AS owner, t.created AS opened_at, t.closed AS closed_at
FROM crm_tickets t LEFT JOIN ticket_stages s ON s.id = t.stage LEFT JOIN people o ON o.id = t.owner;
CREATE VIEW spine_projects AS
SELECT p.code AS id, p.id AS record_id, p.name, p.status, p.health, p.health_reason, m.name AS manager,
  p.starts AS start_date, p.ends AS due_date, p.budget_hours AS hours_budgeted
FROM projects p LEFT JOIN people m ON m.id = p.manager WHERE p.status <> 9;
CREATE VIEW spine_milestones AS
SELECT m.id, p.code AS project_id, m.name, m.status, m.due AS due_date
FROM milestones m JOIN projects p ON p.id = m.project WHERE p.status <> 9;
CREATE VIEW spine_effort AS
SELECT b.id, p.code AS project_id, b.hours, w.name AS person, w.email AS person_email
FROM bookings b JOIN projects p ON p.id = b.project LEFT JOIN people w ON w.id = b.person WHERE p.status <> 9;
CREATE VIEW spine_tickets AS
SELECT i.id, p.code AS project_id, i.subject, i.status, i.tracker AS pipeline, i.tracker AS category, i.priority,
  a.name AS owner, i.created AS opened_at, i.closed AS closed_at,
  (SELECT COALESCE(SUM(b.hours), 0) FROM bookings b WHERE b.issue = i.id) AS hours,
  CASE WHEN EXISTS (SELECT 1 FROM issues c WHERE c.parent = i.id) THEN NULL ELSE i.estimate END AS hours_estimated,
  CASE WHEN EXISTS (SELECT 1 FROM issues c WHERE c.parent = i.id) THEN NULL ELSE i.done END AS progress
FROM issues i JOIN projects p ON p.id = i.project LEFT JOIN people a ON a.id = i.assignee WHERE p.status <> 9;
CREATE VIEW spine_lines AS
SELECT l.document, l.number, l.description, COALESCE(l.project, d.project) AS project, l.net AS company_net,
  CASE WHEN d.currency = '{company currency}' THEN l.net ELSE l.net_fc END AS net
FROM document_lines l JOIN documents d ON d.id = l.document;
CREATE VIEW spine_payments AS
SELECT p.document, CONCAT('24-', p.number) AS id, p.paid_on AS date, SUM(p.amount) AS company_amount,
  SUM(CASE WHEN d.currency = '{company currency}' THEN p.amount ELSE p.amount_fc END) AS amount
FROM payments p JOIN documents d ON d.id = p.document GROUP BY p.document, p.number, p.paid_on;
CREATE VIEW spine_documents AS
SELECT d.id, d.project AS project_id, d.number, CASE WHEN d.code IN (13, 18) THEN 'bill' ELSE 'credit' END AS kind, d.state,
  d.card_code AS party_id, d.card_name AS party, d.issued AS issue_date, d.due AS due_date, d.currency,
  CASE WHEN d.currency = '{company currency}' THEN d.tax ELSE d.tax_fc END AS tax,
  CASE WHEN d.currency = '{company currency}' THEN d.total ELSE d.total_fc END AS total,
  CASE WHEN d.currency = '{company currency}' THEN d.paid ELSE d.paid_fc END AS paid,
  '{company currency}' AS company_currency, d.tax AS company_tax, d.total AS company_total, d.paid AS company_paid,
  (SELECT {lines} FROM spine_lines l WHERE l.document = d.id) AS lines
FROM documents d;
CREATE VIEW spine_invoices AS
SELECT v.*, COALESCE((SELECT {payments} FROM spine_payments p WHERE p.document = v.id), '[]') AS payments
FROM spine_documents v WHERE v.id BETWEEN 13000000 AND 14999999;
CREATE VIEW spine_payables AS SELECT * FROM spine_documents WHERE id BETWEEN 18000000 AND 19999999;
CREATE VIEW spine_costs AS
SELECT CONCAT(d.code, '-', d.entry, '-', l.number) AS id, l.project AS project_id, 'bill' AS kind, 'spent' AS state,
  d.issued AS date, CASE WHEN d.code = 18 THEN l.net ELSE -l.net END AS amount, d.currency,
  CASE WHEN d.code = 18 THEN l.company_net ELSE -l.company_net END AS company_amount,
  '{company currency}' AS company_currency, l.description, d.card_name AS party, d.number AS document
FROM documents d JOIN spine_lines l ON l.document = d.id WHERE d.code IN (18, 19) AND d.state <> 'void'
UNION ALL
SELECT CONCAT(d.code, '-', d.entry, '-', l.number), COALESCE(l.project, d.project), 'bill', 'ordered', d.issued,
  CASE WHEN d.currency = '{company currency}' THEN l.open_net ELSE l.open_net_fc END, d.currency, l.open_net,
  '{company currency}', l.description, d.card_name, d.number
FROM documents d JOIN document_lines l ON l.document = d.id WHERE d.code = 22 AND d.state <> 'void' AND l.is_open = 1
UNION ALL
SELECT CONCAT('30-', j.number, '-', j.line), j.project, CASE WHEN j.account LIKE '5%' THEN 'labour' ELSE 'expense' END,
  'spent', j.booked, j.debit - j.credit, '{company currency}', j.debit - j.credit, '{company currency}', j.memo, NULL, j.number
FROM journal j WHERE (j.account LIKE '5%' OR j.account LIKE '6%') AND j.project IS NOT NULL;
CREATE VIEW spine_invoiced AS
SELECT d.id, UPPER(TRIM(l.project)) AS project_id, d.currency, CASE WHEN d.code = 13 THEN l.net ELSE -l.net END AS net,
  CASE WHEN d.code = 13 THEN l.company_net ELSE -l.company_net END AS company_net
FROM documents d JOIN spine_lines l ON l.document = d.id WHERE d.code IN (13, 14) AND d.state <> 'void';
