# frozen_string_literal: true

require "capybara"
require "net/http"
require "nokogiri"

# The least browser that there can be for Capybara: it asks a server over HTTP, as one would, and has what came as its
# page. It follows redirections, and has one connection that it keeps.
class NetHttpDriver < Capybara::Driver::Base
  # What Capybara finds in a page.
  class Node < Capybara::Driver::Node
    def visible_text = native.text.strip
    alias all_text visible_text
    def visible? = true
    def disabled? = false
    def tag_name = native.name
    def [](name) = native[name.to_s]
    def click(*) = driver.visit(URI.join(driver.current_url, self[:href]).to_s)
    def find_xpath(query) = native.xpath(query).map { |node| self.class.new(driver, node) }
    def ==(other) = native == other.native
  end

  attr_reader :current_url, :html, :status_code

  def visit(path)
    url = URI(path)
    @http ||= Net::HTTP.start(url.host, url.port)
    response = @http.get(url.request_uri)
    return visit(URI.join(path, response["location"]).to_s) if response.is_a?(Net::HTTPRedirection)

    @current_url, @status_code, @html = path, response.code.to_i, response.body.force_encoding(Encoding::UTF_8)
  end

  def find_xpath(query, **)
    Nokogiri::HTML5(html).xpath(query).map { |node| Node.new(self, node) }
  end

  def find_css(query, **)
    Nokogiri::HTML5(html).css(query).map { |node| Node.new(self, node) }
  end

  def reset!
    @http&.finish
    @http = nil
    @html = ""
  end

  def needs_server? = true

  def wait? = false
end
