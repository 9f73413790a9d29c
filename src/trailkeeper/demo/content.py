"""What the assets of the demo hold."""

from __future__ import annotations

from typing import Any

Code = dict[str, Any]


def recipe(app: str, event: str, *steps: tuple[str, str]) -> Code:
    """A trigger, and one step after the other."""
    return {
        "trigger": {"app": app, "event": event},
        "steps": [
            {"number": number, "app": step_app, "action": action}
            for number, (step_app, action) in enumerate(steps, 1)
        ],
    }


SYNC_SKUS = recipe(
    "netsuite",
    "item_updated",
    ("lookup_table", "SKU map: find shop SKU"),
    ("shopify", "upsert_variant"),
)
SYNC_SKUS_CHECKED = recipe(
    "netsuite",
    "item_updated",
    ("lookup_table", "SKU map: find shop SKU"),
    ("condition", "price is present"),
    ("shopify", "upsert_variant"),
    ("pubsub", "publish product.updated"),
)
ORDERS_TO_ERP = recipe(
    "shopify", "order_paid", ("netsuite", "create_sales_order"), ("shopify", "tag_order")
)
LEADS = recipe(
    "web_form", "lead_submitted", ("salesforce", "create_lead"), ("mail", "notify_owner")
)
ONBOARDING = recipe(
    "workday",
    "worker_hired",
    ("directory", "create_account"),
    ("salesforce", "create_user"),
    ("message_template", "Welcome aboard"),
)
GET_PRODUCT = recipe("api_platform", "request", ("lookup_table", "SKU map: find"), ("api", "reply"))

_PRODUCT = {"sku": {"type": "string"}, "name": {"type": "string"}, "price": {"type": "number"}}
PRODUCT_SCHEMA = {"type": "object", "required": ["sku", "name"], "properties": _PRODUCT}
PRODUCT_SCHEMA_WITH_STOCK = {
    **PRODUCT_SCHEMA,
    "properties": {**_PRODUCT, "stock": {"type": "integer"}},
}
EVENT_SCHEMA = {"type": "object", "properties": {"sku": {"type": "string"}}}

SKU_COLUMNS = [{"name": "ERP SKU"}, {"name": "Shop SKU"}]
SKU_ROWS = [["NS-1001", "TEE-S"], ["NS-1002", "TEE-M"], ["NS-1003", "TEE-L"]]
SKU_ROWS_MORE = [*SKU_ROWS, ["NS-2001", "MUG-WHITE"]]

CONNECTOR = """{
  title: 'Warehouse API',
  connection: {
    fields: [{ name: 'base_url' }],
    authorization: { type: 'api_key' }
  },
  actions: {}
}
"""
CONNECTOR_WITH_STOCK = CONNECTOR.replace(
    "actions: {}", "actions: { get_stock: { title: 'Get stock level' } }"
)
