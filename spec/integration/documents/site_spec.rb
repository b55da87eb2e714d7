# frozen_string_literal: true

require_relative "../../../doc/site"

RSpec.describe "the documentation's site" do
  around { |example| Dir.mktmpdir { |folder| @folder = File.join(folder, "site") and example.run } }

  def page(name) = File.read(File.join(@folder, name))

  it "has every page and the API, in which no link goes nowhere" do
    Site.build(@folder)
    expect(Site.broken(@folder)).to eq([])
    Site.pages.each_value { |name| expect(File).to exist(File.join(@folder, "file.#{name}.html")) }
    expect(page("index.html")).to include("a web server for Ruby", 'href="file.tls.html"', "charts/cpu-light.svg")
    expect(page("Kino/Server.html")).to include("stats-instance_method")
    expect(page("file.rack.html")).to include("<table>").and include("<pre")
  end

  it "tells a link that goes nowhere" do
    FileUtils.mkdir_p(@folder)
    File.write(File.join(@folder, "index.html"), <<~HTML)
      <h2 id="here">Here</h2><a href="#here">a</a> <a href="#there">b</a> <a href="other.html">c</a>
      <a href="https://example.org/">d</a> <img src="none.svg">
    HTML
    expect(Site.broken(@folder)).to eq(["index.html: #there", "index.html: other.html", "index.html: none.svg"])
  end
end
