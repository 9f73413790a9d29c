"""The integration project: product SKUs from the ERP to the shop, leads, onboarding, an API."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.demo import content
from trailkeeper.demo.stage import Player


class Project(Struct, kw_only=True):
    """The assets that later chapters go on with."""

    shop: Asset
    people: Asset
    sync_skus: Asset
    orders: Asset
    leads: Asset
    onboarding: Asset
    salesforce: Asset
    sku_map: Asset


def build(marco: Player, priya: Player) -> Project:
    """Two analysts build the recipes."""
    shop = marco.rename(marco.make("folder", "Shop"), "ERP to shop")
    sku_map = marco.make("lookup_table", "SKU map", columns=content.SKU_COLUMNS)
    sku_map = marco.update(sku_map, rows=content.SKU_ROWS)
    sync_skus, orders = _erp_to_shop(marco, shop, sku_map)
    sales, people = priya.make("folder", "Sales"), priya.make("folder", "People")
    salesforce = priya.make(
        "connection",
        "Salesforce",
        folder=sales,
        provider="salesforce",
        identity="integration@example.com",
        settings={"login_url": "https://login.salesforce.example.com"},
        credentials={"client_id": "demo", "client_secret": "demo-secret"},
    )
    salesforce = priya.do(salesforce, "connect")
    leads = priya.make(
        "recipe", "New leads to CRM", folder=sales, code=content.LEADS, uses=_uses(salesforce)
    )
    return Project(
        shop=shop,
        people=people,
        sync_skus=sync_skus,
        orders=orders,
        leads=priya.do(leads, "start"),
        onboarding=_onboarding(priya, people),
        salesforce=salesforce,
        sku_map=sku_map,
    )


def tools(marco: Player) -> None:
    """What recipes share."""
    model = marco.make("common_data_model", "Product", schema=content.PRODUCT_SCHEMA)
    marco.update(model, schema=content.PRODUCT_SCHEMA_WITH_STOCK)
    marco.delete(marco.make("common_data_model", "Product (draft)"))
    topic = marco.make("pubsub_topic", "product.updated")
    marco.update(topic, schema=content.EVENT_SCHEMA)

    template = marco.make("message_template", "Sync failed", subject="SKU sync failed")
    marco.update(template, body="Recipe {{ recipe }} failed for {{ sku }}: {{ error }}\n")
    marco.make("message_template", "Welcome aboard", subject="Welcome, {{ name }}")
    marco.delete(marco.make("message_template", "Test mail"))

    address = marco.make("property", "shop_base_url", value="https://shop.example.com")
    marco.update(address, value="https://shop.example.com/admin")
    marco.make("property", "shop_webhook_key", value="demo-key", secret=True)
    marco.delete(marco.make("property", "old_base_url", value="http://shop.example.com"))

    connector = marco.make("connector", "Warehouse API", source=content.CONNECTOR)
    marco.do(connector, "release")
    marco.do(marco.update(connector, source=content.CONNECTOR_WITH_STOCK), "release")
    marco.delete(marco.make("connector", "Warehouse API (old)"))
    marco.delete(marco.make("lookup_table", "Country codes (test)"))


def api_platform(lena: Player, answer: Asset) -> None:
    """The product catalogue as an API, for the web shop and a reseller."""
    products = lena.make("api_collection", "Product catalogue", base_path="/catalogue")
    products = lena.update(products, api_version="1.0")
    detail = lena.make(
        "api_endpoint", "Get product", parent=products, path="/products/{sku}", recipe_id=answer.id
    )
    detail = lena.update(detail, description="One product by its SKU")
    lena.do(detail, "activate")
    stock = lena.make("api_endpoint", "Get stock", parent=products, path="/stock/{sku}")
    lena.do(lena.do(stock, "activate"), "deactivate")
    lena.delete(stock)

    standard = lena.make("api_policy", "Standard", rate={"requests": 60, "per": "minute"})
    standard = lena.update(standard, quota={"requests": 50_000, "per": "day"})
    lena.delete(lena.make("api_policy", "Unlimited"))

    shop = lena.make("api_customer", "Web shop", email="shop@example.com")
    lena.update(shop, description="The storefront's own server")
    profile = lena.make(
        "access_profile",
        "Storefront",
        parent=shop,
        collection_ids=[products.id],
        policy_id=standard.id,
    )
    lena.update(profile, description="Read only")
    lena.here.registry.refresh_token(lena.by, profile.kind, profile.id)
    reseller = lena.make("api_customer", "Reseller portal", email="reseller@example.net")
    trial = lena.make("access_profile", "Trial", parent=reseller, collection_ids=[products.id])
    lena.delete(trial)
    lena.delete(reseller)
    lena.delete(lena.make("api_collection", "Orders (draft)"))


def lifecycle(dana: Player, project: Project) -> None:
    """A package for the test system, and one that comes back from it."""
    manifest = dana.make(
        "manifest", "People release", folder_id=project.people.id, include_dependencies=False
    )
    dana.update(manifest, description="Onboarding, for the test system")
    package = dana.here.packages.export(dana.by, manifest.id)
    name, raw = dana.here.packages.file(dana.stage.workspace, package.id)
    dana.here.packages.import_(dana.by, raw, "People (from test)", file_name=name)
    dana.delete(dana.make("manifest", "Everything (mistake)"))


def _erp_to_shop(marco: Player, shop: Asset, sku_map: Asset) -> tuple[Asset, Asset]:
    netsuite = marco.make(
        "connection",
        "NetSuite ERP",
        folder=shop,
        provider="netsuite",
        identity="erp-integration@example.com",
        settings={"account": "TSTDRV-0000000"},
        credentials={"token_id": "demo", "token_secret": "demo-secret"},
    )
    sap = marco.make("connection", "SAP S/4HANA", folder=shop, provider="sap")
    shopify = marco.make("connection", "Web shop", folder=shop, provider="shopify")
    for connection in (netsuite, sap, shopify):
        marco.do(connection, "connect")
    marco.delete(marco.make("connection", "NetSuite sandbox", folder=shop, provider="netsuite"))

    uses = _uses(netsuite, shopify, sku_map)
    sync = marco.make("recipe", "Sync products", code=content.SYNC_SKUS, uses=uses)
    sync = marco.move(marco.rename(sync, "Sync product SKUs"), shop)
    sync = marco.do(sync, "start")
    sync = marco.do(sync, "stop", "Check that a price is there first")
    sync = marco.do(marco.update(sync, code=content.SYNC_SKUS_CHECKED), "start")
    orders = marco.make(
        "recipe",
        "Paid orders to ERP",
        folder=shop,
        code=content.ORDERS_TO_ERP,
        uses=_uses(netsuite, shopify),
    )
    return sync, marco.do(orders, "start")


def _onboarding(priya: Player, people: Asset) -> Asset:
    workday = priya.make("connection", "Workday", folder=people, provider="workday")
    workday = priya.do(workday, "connect")
    recipe = priya.make(
        "recipe", "Onboard new employees", folder=people, code=content.ONBOARDING,
        uses=_uses(workday),
    )  # fmt: skip
    return priya.do(recipe, "start")


def _uses(*assets: Asset) -> list[dict[str, str]]:
    return [{"kind": one.kind, "id": one.id} for one in assets]
