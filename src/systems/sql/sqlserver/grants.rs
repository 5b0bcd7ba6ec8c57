//! Whether the user of a session may write: what the server itself says that it may.

use super::errors::failed;
use super::{Driver, misconfigured};
use crate::systems::ErrorKind;
use crate::systems::upstream::{Failed, Retry};

/// The first thing that the user may do beyond reading, and on what.
///
/// The server, the database and its schemas are asked for what the user effectively may; that holds what comes of roles, of
/// owning them, and of being an administrator. Single objects are too many for that, so the grants on them are looked through:
/// the user's own, and those of the roles that it is a member of. A right to execute a single object is left alone: functions
/// need it and cannot write, and a query cannot call a procedure. On a database that nobody can write to, only rights on the
/// server count, with which one could make it one that can be written to.
const WRITES: &str = "\
SELECT TOP (1) may.permission, may.securable FROM (
  SELECT 1 AS place, permission_name COLLATE DATABASE_DEFAULT AS permission,
    CAST(N'the server' AS nvarchar(400)) COLLATE DATABASE_DEFAULT AS securable
  FROM sys.fn_my_permissions(NULL, N'SERVER')
  UNION ALL
  SELECT 2, permission_name COLLATE DATABASE_DEFAULT, N'the database' COLLATE DATABASE_DEFAULT
  FROM sys.fn_my_permissions(NULL, N'DATABASE')
  UNION ALL
  SELECT 3, p.permission_name COLLATE DATABASE_DEFAULT, N'the schema ' + s.name COLLATE DATABASE_DEFAULT
  FROM sys.schemas s CROSS APPLY sys.fn_my_permissions(QUOTENAME(s.name), N'SCHEMA') p
  UNION ALL
  SELECT 4, g.permission_name COLLATE DATABASE_DEFAULT,
    COALESCE(OBJECT_SCHEMA_NAME(g.major_id) COLLATE DATABASE_DEFAULT + N'.'
      + OBJECT_NAME(g.major_id) COLLATE DATABASE_DEFAULT, g.class_desc COLLATE DATABASE_DEFAULT)
  FROM sys.database_permissions g
  WHERE g.state IN ('G', 'W') AND NOT (g.class = 1 AND g.type = 'EX')
    AND (g.grantee_principal_id = DATABASE_PRINCIPAL_ID() OR IS_MEMBER(USER_NAME(g.grantee_principal_id)) = 1)
  UNION ALL
  SELECT 5, N'CONTROL' COLLATE DATABASE_DEFAULT,
    SCHEMA_NAME(o.schema_id) COLLATE DATABASE_DEFAULT + N'.' + o.name COLLATE DATABASE_DEFAULT
  FROM sys.objects o
  WHERE o.principal_id = DATABASE_PRINCIPAL_ID() OR IS_MEMBER(USER_NAME(o.principal_id)) = 1
) AS may
WHERE (may.place = 1 OR COALESCE(CAST(DATABASEPROPERTYEX(DB_NAME(), N'Updateability') AS nvarchar(60)), N'') <> N'READ_ONLY')
  AND may.permission NOT LIKE N'CONNECT%' AND may.permission NOT LIKE N'SELECT%' AND may.permission NOT LIKE N'VIEW %'
  AND may.permission NOT IN (N'REFERENCES', N'SHOWPLAN', N'SUBSCRIBE QUERY NOTIFICATIONS', N'UNMASK')
ORDER BY may.place, CASE WHEN may.permission LIKE N'CONTROL%' THEN 0 ELSE 1 END, may.permission, may.securable";

/// Refuses a user who could write.
pub(super) async fn reads_only(client: &mut Driver) -> Result<(), Failed> {
    let answer = client.simple_query(WRITES).await.map_err(|error| failed(&error))?;
    let Some(row) = answer.into_row().await.map_err(|error| failed(&error))? else { return Ok(()) };
    let text = |at: usize| row.try_get::<&str, _>(at).ok().flatten();
    let (Some(permission), Some(securable)) = (text(0), text(1)) else {
        return Err(misconfigured("the server does not say what the user may do"));
    };
    let why = format!(
        "the user may write: it has {permission} on {securable}. Take that away, or sign in as a user with SELECT alone"
    );
    Err(Failed::new(ErrorKind::NotAllowed, Retry::No, why))
}
