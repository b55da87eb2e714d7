# frozen_string_literal: true

require "kino"
require "minitest/autorun"
require "net/http"
require_relative "app"

# One server for each test.
class GreeterTest < Minitest::Test
  def test_greets
    Kino::TestServer.start(Greeter) do |url|
      assert_includes Net::HTTP.get(URI("#{url}/?name=Ada")), "Hello, Ada"
    end
  end

  # What the app raises is raised in the test, too; one that asks for it says that it was to be expected.
  def test_has_no_age_for_names
    Kino::TestServer.start(Greeter) do |url, server|
      assert_equal "500", Net::HTTP.get_response(URI("#{url}/age?name=Ada")).code
      assert_equal ['invalid value for Integer(): "Ada"'], server.errors.map(&:message)
    end
  end
end

# The same in setup and teardown.
class GreeterWithSetupTest < Minitest::Test
  def setup = @server = Kino::TestServer.start(Greeter, threads: 2)

  def teardown = @server.stop

  def test_says_goodbye
    assert_includes Net::HTTP.get(URI("#{@server.url}/bye")), "Goodbye"
  end
end
