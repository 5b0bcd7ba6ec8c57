-- A company's own tables: CRM, project tool and books. {moment} and {text} are the engine's own types.
CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(200) NOT NULL, email VARCHAR(200) NOT NULL, team VARCHAR(200) NOT NULL);
CREATE TABLE pipelines (id VARCHAR(40) PRIMARY KEY, label VARCHAR(200) NOT NULL);
CREATE TABLE stages (id VARCHAR(40) PRIMARY KEY, label VARCHAR(200) NOT NULL, outcome VARCHAR(20) NOT NULL);
CREATE TABLE ticket_stages (id VARCHAR(40) PRIMARY KEY, label VARCHAR(200) NOT NULL);
CREATE TABLE clients (id INT PRIMARY KEY, name VARCHAR(200), domain VARCHAR(200), vertical VARCHAR(200), country VARCHAR(80));
CREATE TABLE contacts (id INT PRIMARY KEY, name VARCHAR(200), email VARCHAR(200), phone VARCHAR(80), job VARCHAR(200));
CREATE TABLE deals (
  id BIGINT PRIMARY KEY, name VARCHAR(400), pipeline VARCHAR(40), stage VARCHAR(40), amount DECIMAL(20,4),
  estimated_cost DECIMAL(20,4), currency CHAR(3), close_date DATE, owner INT, vertical VARCHAR(200), deal_type VARCHAR(200),
  scope {text}, client INT, erp_deal_id VARCHAR(80), created {moment}, updated {moment});
CREATE TABLE deal_contacts (deal BIGINT, contact INT, PRIMARY KEY (deal, contact));
CREATE TABLE line_items (
  id BIGINT PRIMARY KEY, deal BIGINT, name VARCHAR(400), sku VARCHAR(80), quantity DECIMAL(20,6), price DECIMAL(20,6),
  amount DECIMAL(20,4));
CREATE TABLE quotes (
  id BIGINT PRIMARY KEY, deal BIGINT, title VARCHAR(400), number VARCHAR(80), status VARCHAR(80), amount DECIMAL(20,4),
  expires DATE, created {moment});
CREATE TABLE communications (
  id BIGINT PRIMARY KEY, deal BIGINT, kind CHAR(1), happened {moment}, title VARCHAR(400), body {text}, author INT);
CREATE TABLE crm_tickets (
  id BIGINT PRIMARY KEY, deal BIGINT, subject VARCHAR(400), stage VARCHAR(40), priority VARCHAR(40), category VARCHAR(80),
  owner INT, created {moment}, closed {moment} NULL);
CREATE TABLE projects (
  id INT PRIMARY KEY, code VARCHAR(80), name VARCHAR(400), status INT, health VARCHAR(80), health_reason {text}, manager INT,
  starts DATE, ends DATE, budget_hours DECIMAL(12,2), created {moment});
CREATE TABLE milestones (id INT PRIMARY KEY, project INT, name VARCHAR(400), status VARCHAR(40), due DATE);
CREATE TABLE bookings (id INT PRIMARY KEY, project INT, issue INT, person INT, hours DECIMAL(12,4));
CREATE TABLE issues (
  id INT PRIMARY KEY, project INT, tracker VARCHAR(80), status VARCHAR(80), priority VARCHAR(80), subject VARCHAR(400),
  assignee INT, done INT, estimate DECIMAL(12,4), parent INT, created {moment}, closed {moment} NULL);
CREATE INDEX bookings_issue ON bookings (issue);
CREATE INDEX issues_parent ON issues (parent);
CREATE TABLE documents (
  id INT PRIMARY KEY, code INT, entry INT, number INT, state VARCHAR(20), card_code VARCHAR(80), card_name VARCHAR(200),
  issued DATE, due DATE, currency CHAR(3), project VARCHAR(80), tax DECIMAL(20,4), tax_fc DECIMAL(20,4), total DECIMAL(20,4),
  total_fc DECIMAL(20,4), paid DECIMAL(20,4), paid_fc DECIMAL(20,4));
CREATE TABLE document_lines (
  document INT, number INT, description VARCHAR(400), project VARCHAR(80), net DECIMAL(20,4), net_fc DECIMAL(20,4),
  open_net DECIMAL(20,4), open_net_fc DECIMAL(20,4), is_open INT, PRIMARY KEY (document, number));
CREATE TABLE payments (
  number INT, line INT, paid_on DATE, document INT, amount DECIMAL(20,4), amount_fc DECIMAL(20,4), PRIMARY KEY (number, line));
CREATE INDEX payments_document ON payments (document);
CREATE TABLE journal (
  number INT, line INT, booked DATE, memo VARCHAR(400), account VARCHAR(40), debit DECIMAL(20,4), credit DECIMAL(20,4),
  project VARCHAR(80), PRIMARY KEY (number, line));
