"""Single sign-on through SAML."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    "ALTER TABLE workspace_sso ADD COLUMN kind TEXT NOT NULL DEFAULT 'oidc'",
    "ALTER TABLE workspace_sso ADD COLUMN sign_on_url TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE workspace_sso ADD COLUMN certificate TEXT NOT NULL DEFAULT ''",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
