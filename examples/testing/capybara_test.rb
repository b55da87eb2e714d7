# frozen_string_literal: true

require "capybara/minitest"
require "kino"
require "minitest/autorun"
require_relative "app"

Capybara.app = Greeter
Capybara.server = :kino # with options: Capybara.server = :kino, { Threads: "0:4" }

# Here rack_test asks the app without a server. With `Capybara.current_driver = :selenium_headless`, say, a browser asks
# the server that Capybara has Kino start.
class GreeterPageTest < Minitest::Test
  include Capybara::Minitest::Assertions

  def setup
    @page = Capybara::Session.new(ENV.fetch("DRIVER", "rack_test").to_sym, Capybara.app)
  end

  attr_reader :page

  def test_leads_from_the_greeting_to_the_goodbye
    page.visit("/?name=Ada")
    assert_text "Hello, Ada"
    page.click_link "Leave"
    assert_selector "h1", text: "Goodbye"
  end
end
