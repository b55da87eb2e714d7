# frozen_string_literal: true

require "kino"
require "net/http"
require_relative "app"

RSpec.describe Greeter do
  around do |example|
    Kino::TestServer.start(described_class) do |url, server|
      @url, @server = url, server
      example.run
    end
  end

  def get(path) = Net::HTTP.get_response(URI("#{@url}#{path}"))

  it "greets" do
    expect(get("/?name=Ada").body).to include("Hello, Ada")
  end

  # What the app raises is raised in the example, too; one that asks for it says that it was to be expected.
  it "has no age for names" do
    expect(get("/age?name=Ada").code).to eq("500")
    expect(@server.errors).to match([an_instance_of(ArgumentError)])
  end
end
