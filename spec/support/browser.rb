# frozen_string_literal: true

require "net/http"
require "stringio"

# What a visitor's browser does, with Net::HTTP: keeps cookies and the connection, fills in forms, follows redirects.
class Browser
  # Opens a connection to the server and closes it after the block.
  def self.open(url)
    uri = URI(url)
    Net::HTTP.start(uri.host, uri.port, open_timeout: 30, read_timeout: 60) { |http| yield new(http) }
  end

  def initialize(http)
    @http = http
    @cookies = {}
  end

  def get(path, headers = {}, &block) = send_request(Net::HTTP::Get.new(path, headers), &block)

  # Submits the form with that id of a page, CSRF token included. A value that is an Array is a file: [name, content].
  def submit(page, id, fields)
    form = page.body[%r{<form id="#{id}".*?</form>}m]
    token = form[/name="authenticity_token" value="([^"]+)"/, 1]
    post(form[/action="([^"]+)"/, 1], { "authenticity_token" => token }.merge(fields))
  end

  def post(path, fields)
    request = Net::HTTP::Post.new(path)
    if fields.values.any?(Array)
      parts = fields.map do |name, (value, content)|
        content ? [name, StringIO.new(content), { filename: value }] : [name, value]
      end
      request.set_form(parts, "multipart/form-data")
    else
      request.set_form_data(fields)
    end
    send_request(request)
  end

  private

  def send_request(request, &block)
    request["cookie"] = @cookies.map { |pair| pair.join("=") }.join("; ") unless @cookies.empty?
    response = @http.request(request, &block)
    response.get_fields("set-cookie")&.each { |cookie| @cookies.store(*cookie[/\A[^;]+/].split("=", 2)) }
    response["location"] ? get(URI(response["location"]).path) : response
  end
end
