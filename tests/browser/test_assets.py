"""Recipes, folders and the other assets in a real browser on the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.account.world import World, open_world
from tests.assets.page_forms import make, send, uploaded
from tests.conftest import PASSWORD, Site, make_site

PATIENCE_MS = 10_000


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(tmp_path_factory.mktemp("assets") / "data").start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def world(real: Site) -> Iterator[World]:
    made = open_world(real)
    yield made
    made.close()


@dataclass
class Visit:
    """An admin's page; what the browser complains about fails the test."""

    page: Page
    site: Site

    def go(self, path: str) -> Page:
        self.page.goto(self.site.base_url + path)
        return self.page


def visit_of(browser: Browser, site: Site, complaints: list[str], **options: object) -> Visit:
    shown = {"viewport": {"width": 1360, "height": 900}, "timezone_id": "Europe/Paris"}
    context = browser.new_context(**{**shown, **options})  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    page.goto(f"{site.base_url}/login")
    page.get_by_label("E-mail address").fill(site.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/audit")
    return Visit(page, site)


@pytest.fixture
def visit(browser: Browser, real: Site) -> Iterator[Visit]:
    complaints: list[str] = []
    made = visit_of(browser, real, complaints)
    yield made
    made.page.context.close()
    assert not complaints


def said(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def test_the_life_of_a_recipe_with_the_mouse_and_all_of_it_in_the_log(visit: Visit) -> None:
    page = visit.go("/recipes")
    page.get_by_role("link", name="Create new folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Shop")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    said(page, "The folder was created.")
    expect(page.get_by_role("heading", name="No recipes in this folder yet")).to_be_visible()

    page.get_by_role("link", name="Home").first.click()
    page.get_by_role("link", name="Create a new recipe").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Sync SKUs")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    said(page, "The recipe was created.")
    recipe = page.url.rpartition("/")[2].partition("?")[0]

    visit.go("/recipes")
    tree = page.get_by_role("navigation", name="Folders")
    row_of = page.get_by_role("row").filter(has_text="Sync SKUs")
    row_of.drag_to(tree.get_by_role("link", name="Shop"))
    said(page, "The recipe was moved.")
    expect(page.get_by_role("row").filter(has_text="Sync SKUs")).to_have_count(0)
    tree.get_by_role("link", name="Shop").click()
    page.get_by_role("link", name="Sync SKUs").click()

    page.get_by_role("heading", name="Sync SKUs").click()
    title = page.get_by_role("textbox", name="Name")
    title.fill("Never mind")
    title.press("Escape")
    expect(page.get_by_role("heading", name="Sync SKUs")).to_be_visible()
    page.get_by_role("heading", name="Sync SKUs").click()
    title.fill("Sync product SKUs")
    title.press("Enter")
    said(page, "The recipe was renamed.")
    expect(page.get_by_role("heading", name="Sync product SKUs")).to_be_visible()

    page.get_by_role("button", name="Start recipe").click()
    said(page, "The recipe was started.")
    page.get_by_role("button", name="Stop recipe").click()
    said(page, "The recipe was stopped.")

    page.get_by_role("link", name="Copy").click()
    page.get_by_role("dialog").get_by_role("button", name="Clone recipe").click()
    expect(page.get_by_role("heading", name="Sync product SKUs (copy)")).to_be_visible()
    copy = page.url.rpartition("/")[2].partition("?")[0]

    visit.go(f"/recipes/{recipe}")
    page.get_by_role("link", name="Delete recipe").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("30 days")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Delete recipe").click()
    dialog.get_by_role("button", name="Delete recipe").click()
    said(page, "The recipe was deleted.")
    page.get_by_role("link", name="Bring it back").click()
    page.get_by_role("button", name="Undelete").click()
    said(page, "The recipe is back.")

    visit.go(f"/audit?target=recipe:{recipe}")
    rows = page.locator("#rows")
    for sentence in (
        "Recipe Sync SKUs was created",
        "Recipe Sync SKUs was moved from Home to Home/Shop",
        "Recipe Sync product SKUs was renamed from Sync SKUs",
        "Recipe Sync product SKUs was started",
        "Recipe Sync product SKUs was stopped",
        "Recipe Sync product SKUs (copy) was copied from Sync product SKUs",
        "Recipe Sync product SKUs was deleted",
    ):
        expect(rows.get_by_text(re.compile(re.escape(sentence))).first).to_be_visible()
    assert page.locator("#rows li.row").count() == 8, "and that it is back"
    rows.get_by_role("link", name="Sync product SKUs", exact=True).first.click()
    expect(page).to_have_url(re.compile(rf"/recipes/{recipe}$"))
    page.get_by_role("link", name="Activity").click()
    expect(page.locator("#rows li.row")).to_have_count(8)
    page.locator("#rows .sentence").first.click(position={"x": 5, "y": 5})
    expect(page).to_have_url(re.compile(r"/audit\?.*open="))
    visit.go(f"/recipes/{copy}")
    expect(page.get_by_role("heading", name="Sync product SKUs (copy)")).to_be_visible()


def test_a_recipe_and_a_folder_are_moved_with_the_keyboard(visit: Visit, world: World) -> None:
    target = make(world.owner, "folder", "Keyboard target")
    make(world.owner, "folder", "Keyboard folder")
    recipe = make(world.owner, "recipe", "Keyboard recipe")
    page = visit.go("/recipes")
    for name, kind in (("Keyboard recipe", "recipe"), ("Keyboard folder", "folder")):
        label = f"Actions for {name}" if kind == "recipe" else f"Actions for the folder {name}"
        menu = page.locator("summary").filter(has_text=re.compile(f"^{label}$"))
        menu.focus()
        page.keyboard.press("Enter")
        item = menu.locator("..").get_by_role("link", name="Move to…")
        item.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text(f"Move “{name}” to…")
        dialog.get_by_placeholder("Find a folder").press_sequentially("target")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        said(page, f"The {kind} was moved.")
    visit.go(f"/recipes?folder={target}")
    expect(page.get_by_role("link", name="Keyboard recipe")).to_be_visible()
    expect(
        page.get_by_role("list", name="Folders in").get_by_role("link", name="Keyboard folder")
    ).to_be_visible()
    assert recipe in page.content()


def test_escape_closes_a_dialog_and_the_focus_comes_back(visit: Visit, world: World) -> None:
    make(world.owner, "recipe", "Focused")
    page = visit.go("/recipes?in=all&q=focused")
    menu = page.locator("summary").filter(has_text="Actions for Focused")
    menu.click()
    page.get_by_role("link", name="Delete recipe").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(menu).to_be_focused()


def test_a_folder_is_dragged_into_another_and_not_into_itself(visit: Visit, world: World) -> None:
    outer = make(world.owner, "folder", "Drag outer")
    make(world.owner, "folder", "Drag inner")
    page = visit.go("/recipes")
    tree = page.get_by_role("navigation", name="Folders")
    inner = tree.get_by_role("link", name="Drag inner")
    inner.drag_to(tree.get_by_role("link", name="Drag outer"))
    said(page, "The folder was moved.")
    visit.go(f"/recipes?folder={outer}")
    tree.get_by_role("link", name="Drag outer").drag_to(inner)
    expect(page.get_by_role("alert")).to_contain_text("cannot be moved into itself")


def test_an_asset_is_chosen_by_typing_its_name(visit: Visit, world: World) -> None:
    make(world.owner, "connection", "Chosen Salesforce")
    recipe = make(world.owner, "recipe", "Chooses")
    page = visit.go(f"/recipes/{recipe}/connections")
    field = page.get_by_role("combobox", name="Connections and other assets")
    field.press_sequentially("chosen s")
    expect(page.get_by_role("option", name="Chosen Salesforce")).to_be_visible()
    field.press("Enter")
    expect(page.get_by_role("checkbox", name="Chosen Salesforce")).to_be_checked()
    page.get_by_role("button", name="Save").click()
    said(page, "The recipe was saved as a new version.")
    page.get_by_role("checkbox", name="Chosen Salesforce").uncheck()
    page.get_by_role("button", name="Save").click()
    said(page, "The recipe was saved as a new version.")
    expect(page.get_by_role("checkbox")).to_have_count(0)


def test_a_browser_sends_a_grid_and_a_form_back_as_they_are(visit: Visit, world: World) -> None:
    table = make(world.owner, "lookup_table", "As it is", columns__name=["A"])
    path = f"/tools/lookup-tables/{table}"
    body = b'A,B\n"two\nlines","  blanks "\n=1+1,\xc3\xa9\n'
    assert uploaded(world.owner, f"{path}/csv", "a.csv", body).status_code == 303
    page = visit.go(path)
    page.get_by_role("button", name="Save rows").click()
    said(page, "Nothing was changed")
    code = '{"text": "two\\nlines", "deep": [{"a": 1.50}]}'
    recipe = make(world.owner, "recipe", "As it is")
    send(world.owner, f"/recipes/{recipe}", code=code, description="\n two\n\nlines ")
    visit.go(f"/recipes/{recipe}")
    page.get_by_role("button", name="Save").click()
    said(page, "Nothing was changed")


def test_wrong_json_is_told_while_it_is_written(visit: Visit, world: World) -> None:
    recipe = make(world.owner, "recipe", "Written")
    page = visit.go(f"/recipes/{recipe}")
    code = page.get_by_role("textbox", name="Code")
    code.fill('{"a": ')
    expect(page.locator("tk-code [role=status]")).to_contain_text("JSON")
    code.fill('{"a":[1,2]}')
    page.get_by_role("button", name="Format").click()
    expect(code).to_have_value('{\n  "a": [\n    1,\n    2\n  ]\n}')
    code.fill('{"a":12345678901234567890}')
    page.get_by_role("button", name="Format").click()
    expect(code).to_have_value('{"a":12345678901234567890}')


def test_what_is_exported_is_imported_again_with_its_progress(visit: Visit, world: World) -> None:
    folder = make(world.owner, "folder", "Exported folder")
    make(world.owner, "recipe", "Exported recipe", folder=folder)
    page = visit.go("/lifecycle")
    page.get_by_role("link", name="Create new manifest").first.click()
    page.get_by_label("Name").fill("Whole folder")
    choose = page.get_by_role("combobox", name="Folder")
    choose.press_sequentially("exported f")
    page.get_by_role("option", name="Exported folder").click()
    page.get_by_role("button", name="Create").click()
    said(page, "The manifest was created.")
    page.get_by_role("button", name="Export").click()
    said(page, "The package is ready to be downloaded.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download package").click()
    visit.go("/lifecycle/imports")
    page.get_by_label("Package", exact=True).set_input_files(download.value.path())
    page.get_by_role("button", name="Look into it").click()
    expect(page.get_by_text("Exported recipe")).to_be_visible()
    page.get_by_label("Name of the new folder").fill("Imported folder")
    page.get_by_role("button", name=re.compile("^Import")).click()
    said(page, "were imported")
    page.get_by_role("link", name="Go to the new folder").click()
    expect(page.get_by_role("heading", name="Imported folder")).to_be_visible()


def test_everything_works_without_scripts(browser: Browser, real: Site, world: World) -> None:
    folder = make(world.owner, "folder", "Plain folder")
    complaints: list[str] = []
    visit = visit_of(browser, real, complaints, java_script_enabled=False)
    page = visit.go("/recipes")
    page.get_by_role("link", name="Create a new recipe").first.click()
    page.get_by_label("Name").fill("Plain recipe")
    page.get_by_role("button", name="Create").click()
    said(page, "The recipe was created.")
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name").fill("Plain recipe, renamed")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Plain recipe, renamed")).to_be_visible()
    page.get_by_role("link", name="Move to…").click()
    page.get_by_label("Home / Plain folder").check()
    page.get_by_role("button", name="Move here").click()
    expect(page.get_by_role("navigation", name="Where it is")).to_contain_text("Plain folder")
    page.get_by_role("link", name="Delete recipe").click()
    page.get_by_role("button", name="Delete recipe").click()
    expect(page).to_have_url(re.compile(rf"folder={folder}"))
    said(page, "The recipe was deleted.")
    page.context.close()
    assert not complaints


# --- Nothing is a serious barrier


@pytest.fixture(scope="module")
def pages(world: World) -> list[str]:
    """One page of each kind of page, with something on it."""
    owner = world.owner
    folder = make(owner, "folder", "Seen folder")
    make(owner, "folder", "Seen below", folder=folder)
    connection = make(owner, "connection", "Seen connection", provider="salesforce")
    recipe = make(owner, "recipe", "Seen recipe", folder=folder)
    send(owner, f"/recipes/{recipe}/connections", uses=[f"connection:{connection}"])
    send(owner, f"/recipes/{recipe}", code='{"steps": [1, 2, 3]}')
    running = make(owner, "recipe", "Seen running", folder=folder)
    send(owner, f"/recipes/{running}", f"/recipes/{running}/start")
    gone = make(owner, "recipe", "Seen deleted")
    send(owner, f"/recipes/{gone}/delete")
    table = make(owner, "lookup_table", "Seen table", columns__name=["A"], columns__type=["string"])
    collection = make(owner, "api_collection", "Seen collection")
    endpoint = make(owner, "api_endpoint", "Seen endpoint", parent=collection)
    customer = make(owner, "api_customer", "Seen client")
    profile = make(owner, "access_profile", "Seen profile", parent=customer)
    policy = make(owner, "api_policy", "Seen policy", rate__requests=["60"])
    template = make(owner, "message_template", "Seen template", body="Dear {{ name }}")
    secret = make(owner, "property", "seen_secret", value="x", secret="1")
    connector = make(owner, "connector", "Seen connector", source="{}")
    manifest = make(owner, "manifest", "Seen manifest", folder_id=[folder])
    package = send(
        owner, f"/lifecycle/manifests/{manifest}", f"/lifecycle/manifests/{manifest}/export"
    )
    return [
        "/recipes",
        f"/recipes?folder={folder}",
        "/recipes?q=nothing-at-all",
        f"/recipes/{recipe}",
        f"/recipes/{recipe}/connections",
        f"/recipes/{recipe}/versions",
        f"/recipes/{recipe}/versions?version=1",
        f"/recipes/{recipe}/settings",
        f"/recipes/{recipe}/activity",
        f"/recipes/{running}",
        f"/recipes/{gone}",
        f"/recipes/{recipe}/move",
        f"/recipes/{recipe}/delete",
        "/recipes/new",
        "/connections",
        f"/connections/{connection}",
        "/connections/new",
        "/tools/connectors",
        f"/tools/connectors/{connector}",
        "/tools/topics",
        f"/tools/lookup-tables/{table}",
        f"/tools/lookup-tables/{table}/columns",
        f"/tools/message-templates/{template}",
        f"/tools/properties/{secret}",
        f"/api-platform/collections/{collection}",
        f"/api-platform/endpoints/{endpoint}",
        f"/api-platform/access-profiles/{profile}",
        f"/api-platform/policies/{policy}",
        "/lifecycle",
        "/lifecycle/imports",
        f"/lifecycle/manifests/{manifest}",
        package.headers["location"],
    ]  # fmt: skip


def serious(page: Page) -> list[str]:
    return [
        f"{page.url}: {violation['id']}: {[node['html'] for node in violation['nodes']][:3]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_assets_is_a_barrier(
    browser: Browser, real: Site, pages: list[str], scheme: str
) -> None:
    complaints: list[str] = []
    visit = visit_of(browser, real, complaints, color_scheme=scheme)
    for path in pages:
        assert serious(visit.go(path)) == []
    page = visit.go("/recipes")
    page.locator(".folder-row summary, .asset-menu summary").first.click()
    assert serious(page) == []
    page.get_by_role("link", name="Move to…").first.click()
    page.get_by_role("dialog").wait_for()
    assert serious(page) == []
    page.context.close()
    assert not complaints


def test_every_page_of_assets_fits_a_telephone(
    browser: Browser, real: Site, pages: list[str]
) -> None:
    complaints: list[str] = []
    size = {"width": 390, "height": 844}
    visit = visit_of(browser, real, complaints, viewport=size, has_touch=True)
    for path in pages:
        page = visit.go(path)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    page = visit.go("/recipes")
    expect(page.get_by_role("link", name="Connections")).to_be_hidden()
    page.locator(".side-menu summary").tap()
    page.get_by_text("Tools", exact=True).tap()
    assert serious(page) == []
    page.get_by_role("link", name="Lookup tables").tap()
    expect(page.get_by_role("heading", name="Lookup tables")).to_be_visible()
    page.context.close()
    assert not complaints
