"""The Audit page in a browser: filters, pane, keys, history."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from .conftest import NewVisit, Visit


def rows(page: Page) -> Locator:
    return page.locator("#rows .row")


def options(page: Page) -> Locator:
    return page.locator("[role=option]:visible")


def test_an_activity_reads_as_a_sentence_with_what_helps_below(visit: Visit) -> None:
    first = rows(visit.page).first
    expect(first).to_contain_text("Recipe Sync product SKUs was stopped by Robin Operator.")
    expect(first).to_contain_text("Reason: Too many duplicate orders")
    expect(first).to_contain_text("Chrome on macOS")


def test_a_user_is_found_without_accents_and_by_keyboard(visit: Visit) -> None:
    page = visit.page
    page.locator("#label-actor").click()
    field = page.get_by_role("combobox", name="User", exact=True)
    expect(field).to_be_focused()
    expect(options(page).first).to_contain_text("Robin Operator")
    field.fill("zoe")
    expect(options(page)).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?actor=user%3Au-3$"))
    expect(page.locator("#label-actor")).to_have_text("Zoë Analyst")
    expect(page.locator(".chip")).to_have_text(re.compile("User: Zoë Analyst"))
    field.fill("ada@example")
    expect(options(page)).to_contain_text(["Ada Admin"])
    options(page).click()
    expect(page.locator("#label-actor")).to_have_text("2 users")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(page.locator("details.filter").nth(1).locator("summary")).to_be_focused()


def test_an_asset_is_found_by_its_type_and_name(visit: Visit) -> None:
    page = visit.page
    page.locator("#label-target").click()
    page.get_by_role("checkbox", name="Connection", exact=True).check(force=True)
    expect(page).to_have_url(re.compile("target_type=connection"))
    expect(options(page).first).to_contain_text("Connection")
    page.get_by_role("combobox", name="Asset", exact=True).fill("sales")
    options(page).filter(has_text="Salesforce").first.click()
    expect(page.locator(".chip")).to_have_count(2)
    expect(rows(page).first).to_contain_text("Salesforce")


def test_the_menus_count_what_each_choice_would_show(visit: Visit) -> None:
    page = visit.page
    page.locator("#label-action").click()
    stopped = page.locator(".action", has=page.locator("[value='recipe.stopped']"))
    expect(stopped.locator(".count")).to_have_text(re.compile(r"^\d+$"))
    every = int(stopped.locator(".count").inner_text())
    page.keyboard.press("Escape")
    page.locator("#q").fill("Robin")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=Robin"))
    page.locator("#label-action").click()
    expect(stopped.locator(".count")).not_to_have_text(str(every))
    checkbox = stopped.get_by_role("checkbox")
    expect(checkbox).to_have_attribute("aria-description", re.compile("activities$"))


def test_actions_are_narrowed_while_typing(visit: Visit) -> None:
    page = visit.page
    page.locator("#label-action").click()
    page.get_by_label("Find an activity").fill("recipe stop")
    visible = page.locator(".action:visible")
    expect(visible).to_have_count(1)
    visible.get_by_role("checkbox").check()
    expect(page).to_have_url(re.compile(r"\?action=recipe\.stopped$"))
    expect(page.locator("#label-action")).to_have_text("Recipe stopped")


def test_a_named_range_and_an_outcome_narrow_the_log(visit: Visit) -> None:
    page = visit.page
    page.locator("#label-time").click()
    page.get_by_label("Past hour").click()
    expect(page).to_have_url(re.compile(r"\?range=1h$"))
    expect(rows(page)).to_have_count(1)
    page.get_by_label("Outcome").select_option("failure")
    expect(page.get_by_text("No activity matches")).to_be_visible()
    page.locator(".drops").get_by_role("link", name="Outcome: Failure").click()
    expect(rows(page)).to_have_count(1)


def test_a_custom_range_has_the_readers_zone(visit: Visit) -> None:
    page = visit.page
    page.locator("#label-time").click()
    page.get_by_label("Custom range").check()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Paris")
    page.get_by_label("From").fill("2020-01-01T00:00")
    page.get_by_label("To", exact=True).fill("2020-01-02T00:00")
    page.get_by_role("button", name="Apply").first.click()
    expect(page).to_have_url(re.compile("from=2020-01-01T00%3A00.*tz=Europe%2FParis"))
    expect(page.get_by_text("No activity matches")).to_be_visible()


def test_a_name_in_a_row_filters_by_it_and_back_undoes_that(visit: Visit) -> None:
    page = visit.page
    before = rows(page).count()
    rows(page).first.get_by_role("link", name="Robin Operator").click()
    expect(page).to_have_url(re.compile("actor=user%3Au-2"))
    expect(page.locator("#label-actor")).to_have_text("Robin Operator")
    page.go_back()
    expect(page.locator("#label-actor")).to_have_text("Anyone")
    expect(rows(page)).to_have_count(before)
    page.go_forward()
    expect(page.locator("#label-actor")).to_have_text("Robin Operator")


def test_the_pane_opens_beside_the_list_and_back_closes_it(visit: Visit) -> None:
    page = visit.page
    count = rows(page).count()
    rows(page).first.locator(".row-open").click()
    pane = page.locator("#pane")
    expect(pane.get_by_role("heading", name="Recipe stopped")).to_be_focused()
    expect(page).to_have_url(re.compile("open=0193-"))
    expect(rows(page)).to_have_count(count)
    expect(pane).to_contain_text("203.0.113.9")
    expect(pane.locator(".old")).to_have_text("running")
    expect(pane.locator(".new")).to_have_text("stopped")
    page.go_back()
    expect(pane).to_be_hidden()
    page.go_forward()
    expect(pane).to_be_visible()
    page.reload()
    expect(pane.get_by_role("heading", name="Recipe stopped")).to_be_visible()
    expect(page.locator(".row.is-open")).to_have_count(1)


def test_the_way_of_a_log_in_is_told(visit: Visit) -> None:
    page = visit.page
    page.locator(".row", has_text="logged in through SSO").first.locator(".row-open").click()
    way = page.locator(".fact-way")
    expect(way).to_contain_text("Activity")
    expect(way).to_contain_text("sso_login")


def test_keys_move_open_step_and_close(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows(page).nth(1).locator(".row-open")).to_be_focused()
    page.keyboard.press("Enter")
    heading = page.locator("#pane h2")
    expect(heading).to_have_text("Connection disconnected")
    page.keyboard.press("k")
    expect(heading).to_have_text("Recipe stopped")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    expect(rows(page).first.locator(".row-open")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search the log")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and search")).to_be_visible()


def test_searching_keeps_the_other_filters(visit: Visit) -> None:
    page = visit.page
    visit.go("/audit?actor=user:u-2&ip=203.0.113.9")
    page.get_by_label("Search the log").fill("stopped")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=stopped"))
    expect(page).to_have_url(re.compile("ip=203.0.113.9"))
    expect(page.locator(".chip")).to_have_count(3)


def test_a_wrong_search_is_told_and_can_be_put_right(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Search the log").fill("colour:red")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(
        "q has colour:".replace("colour:", "`colour:`")
    )
    page.get_by_label("Search the log").fill("stopped")
    page.keyboard.press("Enter")
    expect(rows(page).first).to_be_visible()


def test_more_rows_come_under_the_day_that_is_there(visit: Visit) -> None:
    page = visit.page
    expect(rows(page)).to_have_count(50)
    page.get_by_role("link", name="Load more").click()
    expect(rows(page)).to_have_count(100)
    days = page.locator("section.day").evaluate_all("all => all.map(day => day.dataset.day)")
    assert len(days) == len(set(days))
    expect(page).to_have_url(re.compile("/audit$"))


def test_times_switch_to_utc_and_stay_so(visit: Visit) -> None:
    page = visit.page
    switch = page.locator("[data-clock-switch]")
    expect(switch).to_have_text("Europe/Paris")
    switch.click()
    expect(switch).to_have_text("UTC")
    page.reload()
    expect(switch).to_have_text("UTC")
    title = page.locator("#rows time").first.get_attribute("title")
    assert title is not None
    assert title.endswith("(UTC)")


def test_names_that_are_code_stay_text(visit: Visit) -> None:
    page = visit.page
    page.locator(".row", has_text="was deleted by <script>").first.locator(".row-open").click()
    pane = page.locator("#pane")
    expect(pane).to_contain_text("<script>alert(1)</script>")
    expect(pane).to_contain_text("<svg onload=alert(3)>")
    assert page.locator("main img, main b script").count() == 0


def test_a_server_that_fails_leaves_the_old_rows(visit: Visit) -> None:
    page = visit.page
    count = rows(page).count()
    visit.site.audit.broken = True
    try:
        page.get_by_label("Outcome").select_option("failure")
        expect(page.locator("#notice")).to_contain_text("Something went wrong on the server")
        expect(rows(page)).to_have_count(count)
    finally:
        visit.site.audit.broken = False
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator(".chip")).to_have_text(re.compile("Outcome: Failure"))
    visit.complaints.clear()


def test_an_empty_log_tells_how_to_fill_it(visit: Visit) -> None:
    kept, visit.site.audit.activities = visit.site.audit.activities, []
    try:
        visit.go("/audit")
        expect(visit.page.locator("pre")).to_contain_text(
            f"curl {visit.site.base_url}/api/v1/activities"
        )
    finally:
        visit.site.audit.activities = kept


def test_without_scripts_forms_and_links_do_the_same(new_visit: NewVisit) -> None:
    visit = new_visit(java_script_enabled=False).log_in()
    page = visit.page
    page.locator("#label-actor").click()
    page.locator("input[name=actor]").fill("robin@example.com")
    page.locator("details[open]").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"/audit\?actor=robin%40example\.com$"))
    expect(page.locator(".chip")).to_have_text(re.compile("User: Robin Operator"))
    page.locator(".row-open").first.click()
    expect(page.locator("#pane")).to_contain_text("Recipe stopped")
    page.get_by_role("link", name="Close the details").click()
    expect(page.locator("#pane")).to_be_hidden()
    page.get_by_role("link", name="Clear all").click()
    page.get_by_role("link", name="Load more").click()
    expect(page).to_have_url(re.compile("cursor="))
    page.get_by_role("link", name="Newest").click()
    expect(page).to_have_url(re.compile("/audit$"))


def test_on_a_phone_nothing_scrolls_sideways(new_visit: NewVisit) -> None:
    phone = {"width": 390, "height": 844}
    visit = new_visit(viewport=phone, has_touch=True, is_mobile=True).log_in()
    page = visit.page
    for path in ("/audit", "/audit?actor=u-1&outcome=failure", "/audit?open=0193-0161"):
        visit.go(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_logging_out_leads_to_the_log_in(visit: Visit) -> None:
    page = visit.page
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login$"))
    visit.go("/audit")
    expect(page).to_have_url(re.compile("/login"))
